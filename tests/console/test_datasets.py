"""Datasets in the console: the list, one dataset with samples, labels, versions, imports and exports."""

from tests.behaviours.modelarts.data_import_export.conftest import exported, imported, published
from tests.behaviours.modelarts.datasets.conftest import annotate, made, pictures, put
from tests.console.conftest import sent_command, whole

DATASETS = "/console/datasets/"


def test_a_page_without_datasets_says_what_makes_one(browser, cloud):
    page = whole(browser, DATASETS)
    assert "There is no dataset." in page.text
    put(cloud, pictures("a.png"))
    assert sent_command(cloud, page.heads["pre"][0]).status == 201
    assert "cats CREATING image classification" in whole(browser, DATASETS).text


def test_samples_are_pictures_from_the_consoles_own_address(browser, cloud):
    id = made(cloud, pictures("a.png", "b.png"))
    page = whole(browser, f"{DATASETS}{id}")
    assert [each["alt"] for each in page.all("img")] == ["b.png", "a.png"]
    path, _, query = page.all("img")[0]["src"].partition("?")
    picture = browser.get(
        path, key=dict(part.split("=") for part in query.split("&"))["key"].replace("%2F", "/")
    )
    assert (picture.status, picture.headers["content-type"]) == (200, "image/png")
    assert picture.body == pictures("b.png")["b.png"]


def test_samples_are_paged_and_chosen_by_label(browser, cloud):
    id = made(cloud, pictures(*(f"{number:02}.png" for number in range(50))))
    annotate(
        cloud, id, {"00.png": [{"name": "cat"}], "01.png": [{"name": "cat"}], "02.png": [{"name": "a dog"}]}
    )
    assert "1–48 / 50" in whole(browser, f"{DATASETS}{id}").text
    page = whole(browser, f"{DATASETS}{id}", offset=48)
    assert [each["alt"] for each in page.all("img")] == ["01.png", "00.png"]
    assert [number for number in page.heads["dd"] if number.isdecimal()] == ["2", "1"]
    chosen = whole(browser, f"{DATASETS}{id}", label="a dog")
    assert [each["alt"] for each in chosen.all("img")] == ["02.png"]


def test_versions_imports_and_exports_are_told_with_their_states(browser, cloud):
    id = made(cloud, pictures("a.png"))
    assert "No version has been published." in whole(browser, f"{DATASETS}{id}").text
    published(cloud, id, version_name="V007")
    put(cloud, pictures("more.png"), "more/")
    imported(cloud, id, "/data/more/")
    exported(cloud, id)
    page = whole(browser, f"{DATASETS}{id}")
    assert "V007 (current) NORMAL 1 0" in page.text
    assert "Import COMPLETED 1 / 1" in page.text and "Export SUCCESSED 2 / 2" in page.text


def test_labels_of_a_dataset_are_added_renamed_and_deleted(browser, cloud):
    id = made(cloud, pictures("a.png"))
    labels = f"{DATASETS}{id}/labels"
    api = f"/v2/{{project_id}}/datasets/{id}/data-annotations/labels"
    for name in ("cat", "dog"):
        assert browser.post(f"{labels}/add", {"name": name}).status == 303
    assert browser.post(f"{labels}/rename", {"name": "cat", "new_name": "kitten"}).status == 303
    assert browser.post(f"{labels}/delete", {"name": "dog"}).status == 303
    assert [each["name"] for each in cloud.get(api).json["labels"]] == ["kitten"]
    refused = browser.post(f"{labels}/add", {"name": "kitten"})
    assert (refused.status, "ModelArts.4411" in refused.text) == (400, True)
    assert [each.get("value") for each in refused.all("input") if each.get("id") == "add-name"] == ["kitten"]


def test_chosen_samples_get_the_labels_of_the_form_and_lose_them(browser, cloud):
    id = made(cloud, pictures("a.png", "b.png"))
    chosen = [
        each["value"]
        for each in whole(browser, f"{DATASETS}{id}").all("input")
        if each.get("name") == "sample"
    ]
    assert len(chosen) == 2
    assert browser.post(f"{DATASETS}{id}/samples", {"sample": chosen[0], "labels": "cat, dog"}).status == 303
    assert "b.png cat dog" in whole(browser, f"{DATASETS}{id}").text
    assert browser.post(f"{DATASETS}{id}/samples", {"sample": chosen[0], "labels": ""}).status == 303
    assert "b.png no label" in whole(browser, f"{DATASETS}{id}").text
    assert "none was chosen" in browser.post(f"{DATASETS}{id}/samples", {"labels": "cat"}).text


def test_a_version_is_published_by_its_form(browser, cloud):
    id = made(cloud, pictures("a.png", "b.png"))
    annotate(cloud, id, {"a.png": [{"name": "cat"}], "b.png": [{"name": "cat"}]})
    form = {"version_name": "V9", "train_evaluate_sample_ratio": "0.80"}
    published = browser.post(f"{DATASETS}{id}/versions", form)
    assert published.status == 303, published.text[-600:]
    cloud.clock.advance("2m")
    assert "V9 (current) NORMAL" in whole(browser, f"{DATASETS}{id}").text
    refused = browser.post(f"{DATASETS}{id}/versions", form)
    assert (refused.status, "ModelArts.4371" in refused.text) == (400, True)
    assert "V9" in [each.get("value") for each in refused.all("input")]


def test_samples_of_text_are_shown_as_text(browser, cloud):
    id = made(cloud, {"a.txt": b"<b>good</b>\nbad\n"}, type=100)
    page = whole(browser, f"{DATASETS}{id}")
    assert "<b>good</b>" in page.text and not page.all("b")
