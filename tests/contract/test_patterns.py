import pytest
from modelarts_emulator.contract.checking import fast_validator
from modelarts_emulator.contract.explaining import explain_fast, validator_class
from modelarts_emulator.contract.patterns import for_rust

# (pattern, texts it is found in, texts it is not found in), as ECMA 262 has it with the flag u.
READINGS = [
    ("^.{1,3}$", ["a", "\x85\v\f", "🙂🙂🙂", "\u180e"], ["", "\n", "a\n", "a\r", "\u2028", "a\u2029", "🙂🙂🙂🙂"]),
    ("^a$", ["a"], ["a\n", "a\r", "a\u2028", "\na", "b\na\nb"]),
    (r"a|^\d+$", ["12", "xa\n"], ["1\n", "٣", "５", "𝟗", "²"]),
    (r"^\D$", ["٣", "𝟗", "\n"], ["3"]),
    (r"^\w$", ["_", "z", "0"], ["é", "名", "ſ", "\u212a", "٣", "‿", "-"]),
    (r"^\W$", ["é", "\u2028", "🙂"], ["_", "A"]),
    (r"^\s$", [*"\t\n\v\f\r \xa0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\ufeff"], ["\x85", "\u180e", "\u200b"]),
    (r"^\S$", ["\x85", "\u200b", "\0", "𠀀"], ["\ufeff", "\n", "\u2029"]),
    (r"^[\d.$]$", ["1", ".", "$"], ["٣", "a", "\n", "1\n"]),
    (r"^[^\d]$", ["٣", "\n", "🙂"], ["1"]),
    (r"^[\D]$", ["٣", "🙂", "\U0010ffff"], ["1", "🙂🙂"]),
    (r"^[\W_]$", ["_", "é", "-"], ["a"]),
    (r"^[\w-]$", ["-", "a"], [".", "é"]),
    (r"^[a\-z]$", ["a", "-", "z"], ["b"]),
    (r"^[a-]$", ["a", "-"], ["b"]),
    (r"^[--/]$", ["-", ".", "/"], [","]),
    (r"^[[&&~~|]$", ["[", "&", "~", "|"], ["]", "a"]),
    (r"^[\]\\^]$", ["]", "\\", "^"], ["["]),
    ("^[一-龥]$", ["一", "名", "龥"], ["龦", "a"]),
    (r"^[\u4e00-\u9fa5]$", ["名", "龥"], ["龦"]),
    (r"^[\u{1F600}-\u{1F64F}]$", ["🙂"], ["🚀", "🙂🙂"]),
    (r"^\uD83D\uDE42$", ["🙂"], ["x"]),
    (r"^\x41\cJ\0\/\-$", ["A\n\0/-"], ["A"]),
    (r"^[^]$", ["\n", "🙂"], ["", "ab"]),
    (r"^[]?$", [""], ["]"]),
    (r"\bend\b", ["the end", "éendé", "end\n"], ["ends", "_end", "end0"]),
    (r"^a\B", ["ab"], ["a", "aé"]),
    (r"^(?<twice>.)\1$", ["aa", "🙂🙂"], ["ab", "\n\n"]),
    (r"^(?!.*-$)[a-z-]*$", ["a-b", ""], ["a-", "a-\n"]),
    (r"(?<=\d)x(?!\w)", ["1x", "1xé"], ["٣x", "1x_"]),
]  # fmt: skip


@pytest.mark.parametrize("pattern, found, missed", READINGS, ids=[row[0] for row in READINGS])
def test_both_validators_read_a_pattern_as_ecma_262_says(pattern, found, missed):
    schema = {"pattern": pattern}
    for validator in (fast_validator(schema), validator_class()(schema)):
        assert {text: validator.is_valid(text) for text in [*found, *missed]} == (
            dict.fromkeys(found, True) | dict.fromkeys(missed, False)
        )


@pytest.mark.parametrize("pattern", ["[a", r"\p{L}", r"\k<x>", r"[a-\d]", "[a-", r"\q"])
def test_a_pattern_that_is_not_read_alike_everywhere_is_refused(pattern):
    with pytest.raises(ValueError, match="the pattern"):
        for_rust(pattern)


def test_the_rule_is_told_as_the_schema_has_it():
    schema = {"properties": {"name": {"pattern": r"^\w.$"}}}
    words = explain_fast(schema, fast_validator(schema), {"name": "é"}, "$")
    assert words == r"$.name: 'é' does not match ^\w.$"


def test_patterns_are_read_wherever_a_schema_may_stand_and_nowhere_else():
    schema = {
        "propertyNames": {"pattern": r"^\w+$"},
        "properties": {
            "pattern": {"items": {"anyOf": [{"pattern": r"^\d$"}]}},
            "kind": {"const": {"pattern": "."}},
        },
    }
    for validator in (fast_validator(schema), validator_class()(schema)):
        assert validator.is_valid({"pattern": ["1"], "kind": {"pattern": "."}})
        assert not validator.is_valid({"pattern": ["٣"]})
        assert not validator.is_valid({"é": 1})
