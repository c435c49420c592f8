"""Paths in OBS: every form that requests write them in, and what is not one."""

import pytest
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import ObsPath, obs_path, refuse_bad_obs_path

ALL = ("/", "obs", "s3", "link", "bare")
FORMS = {
    "/": "/bucket/folder/file.py",
    "obs": "obs://bucket/folder/file.py",
    "s3": "s3://bucket/folder/file.py",
    "bare": "bucket/folder/file.py",
    "link": "https://bucket.obs.cn-north-4.myhuaweicloud.com/folder/file.py",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_names_the_same_place(form):
    assert obs_path(FORMS[form], ALL) == ObsPath("bucket", "folder/file.py")


@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_is_not_allowed_is_refused_naming_one_that_is(form):
    others = tuple(each for each in ALL if each != form)
    with pytest.raises(ValueError, match="is not an OBS path; write .*bucket"):
        obs_path(FORMS[form], others)


@pytest.mark.parametrize(
    "link",
    [
        "https://obs.cn-north-4.myhuaweicloud.com/bucket/folder/a%20b",
        "http://127.0.0.1:7879/bucket/folder/a%20b",
        "http://bucket.localhost:7879/folder/a%20b?x=y",
    ],
)
def test_a_link_has_its_bucket_in_host_or_path(link):
    assert obs_path(link, ("link",)) == ("bucket", "folder/a b")


@pytest.mark.parametrize(
    "text", ["", "/", "obs://", "//bucket/key", "/Bucket/key", "/b/key", "ftp://bucket/key"]
)
def test_what_names_no_bucket_is_not_a_path(text):
    with pytest.raises(ValueError, match="is not an OBS path"):
        obs_path(text, ALL)


def test_a_key_that_leaves_no_room_for_the_names_of_objects_is_refused():
    with pytest.raises(ValueError, match="at most 1024"):
        obs_path("/bucket/" + "k" * 1000)


def test_a_folder_ends_in_one_slash_and_a_bucket_is_its_own_folder():
    found = [
        obs_path(text).folder.key
        for text in ("/bucket/a", "/bucket/a/", "/bucket/a//", "/bucket", "/bucket/")
    ]
    assert found == ["a/", "a/", "a/", "", ""]


def test_a_place_lies_in_a_folder_but_no_folder_in_itself():
    folder = obs_path("/bucket/code")
    inside = [
        obs_path(text)
        for text in ("/bucket/code/a.py", "/bucket/code/", "/bucket/codex/a.py", "/other/code/a")
    ]
    assert [folder.has_inside(each) for each in inside] == [True, False, False, False]


def test_a_refusal_has_the_documented_code_and_says_where():
    with pytest.raises(ApiError, match=r"\$\.code_dir: 'x' is not an OBS path") as refused:
        refuse_bad_obs_path("ModelArts.2791", "$.code_dir", "x")
    assert refused.value.code == "ModelArts.2791"
