"""The charts of the console: round numbers at the axes, lines that stand out, nothing without numbers."""

import pytest
from modelarts_emulator.console.charts import MOST_POINTS, Series, bar, line_chart, parallel_axes, ticks


@pytest.mark.parametrize(
    ("low", "high", "least", "marks"),
    [
        (0.09, 0.88, 0.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (1, 10, 1.0, [0, 5, 10]),
        (1, 3, 1.0, [1, 2, 3]),
        (-3e-5, 4e-5, 0.0, [-4e-5, -2e-5, 0.0, 2e-5, 4e-5]),
    ],
)
def test_an_axis_has_a_few_round_numbers_around_its_values(low, high, least, marks):
    assert ticks(low, high, 4, least) == pytest.approx(marks)


def test_a_chart_says_what_its_axes_measure_and_what_each_line_is():
    chart = line_chart("loss", [("faint", [(1, 0.5), (2, 0.25)], "trial <1>")], "iteration", "loss")
    assert 'aria-label="loss"' in chart and ">iteration</text>" in chart
    assert "<title>trial &lt;1&gt;</title>" in chart and 'class="faint"' in chart


def test_there_is_no_chart_without_numbers():
    assert (line_chart("x", [("line", [])]), parallel_axes("x", ["one"], [Series("line", [1])])) == ("", "")


def test_a_long_line_is_drawn_with_as_many_points_as_one_can_see():
    chart = line_chart("x", [("line", [(at, at) for at in range(100_000)])])
    assert chart.count(",") == MOST_POINTS + 1


def test_words_have_places_of_their_own_on_a_parallel_axis_and_the_last_row_is_on_top():
    rows = [Series("faint", [0.1, "sgd", 0.2]), Series("best", [0.2, "adam", 0.9])]
    chart = parallel_axes("x", ["lr", "optimizer", "acc"], rows)
    assert ">sgd</text>" in chart and ">adam</text>" in chart
    assert chart.index('class="faint"') < chart.index('class="best"')


def test_a_bar_goes_from_one_part_of_its_track_to_another():
    assert 'x="25.00" width="50.00"' in bar(0.25, 0.75)
    assert 'x="99.40" width="0.60"' in bar(1, 1, least=0.006)
