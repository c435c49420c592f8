"""Pictures, films and the pulse of a model server."""

import base64
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.behaviours.maas.conftest import console, key_of

JPEG = "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8\xff\xe0 and more").decode()


def test_a_model_server_lives(cloud):
    reply = cloud.get("/health", auth=False)
    assert (reply.status, reply.body) == (200, b"")


def draw(cloud, **body):
    asked = {"model": "qwen-image", "prompt": "a running cat", "size": "512x512", "seed": 1, **body}
    return cloud.post("/v1/images/generations", asked, headers=key_of(cloud))


def picture(reply):
    """(width, height, bytes) of the PNG in an answer."""
    content = base64.b64decode(reply.json["data"][0]["b64_json"].partition("base64,")[2])
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24]), content


def test_the_same_prompt_and_seed_draw_the_same_picture(cloud):
    assert picture(draw(cloud)) == picture(draw(cloud))
    assert picture(draw(cloud)) != picture(draw(cloud, seed=2))


@pytest.mark.parametrize(
    ("size", "drawn"),
    [
        ("520x600", (512, 592)),
        ("64x64", (512, 512)),
        ("4096x4096", (3072, 3072)),
        ("1024x4096", (1024, 4096)),
    ],
)
def test_a_size_becomes_one_that_can_be_drawn(cloud, size, drawn):
    assert picture(draw(cloud, size=size))[:2] == drawn


@pytest.mark.parametrize(
    "body",
    [
        {"size": "100x2000"},
        {"size": "0x0"},
        {"response_format": "url"},
        {"prompt": "cat " * 2001},
        {"model": "qwen_image_edit"},
    ],
)
def test_what_cannot_be_drawn_is_refused(cloud, body):
    assert draw(cloud, **body).status == 400


def test_an_edited_picture_follows_from_the_one_sent(cloud):
    one, other = (
        picture(draw(cloud, model="qwen_image_edit", image=f"data:image/png;base64,{content}"))
        for content in ("AAAA", "BBBB")
    )
    assert one != other


def film(cloud, **body):
    asked = {"model": "Wan2.2-T2V-A14B", "input": {"prompt": "a walking cat"}, **body}
    return cloud.post("/v1/video/generations", asked, headers=key_of(cloud))


def task(cloud, task_id):
    return cloud.get(f"/v1/video/generations/{task_id}", headers=key_of(cloud))


def test_a_film_is_queued_runs_and_lies_in_obs_for_a_day(cloud):
    task_id = film(cloud, parameters={"size": "480x832", "duration": 3, "fps": 8}).json["task_id"]
    assert task(cloud, task_id).json["status"] == "queued"
    cloud.clock.until(
        lambda: cloud.world.store.table("maas/other/video_task").find(task_id)["status"] == "succeeded"
    )
    shown = task(cloud, task_id).json
    assert shown["usage"]["completion_tokens"] == 480 * 832 * 3 // 16 and shown["error"]["code"] == 0
    with urlopen(shown["content"]["result_url"]) as answer:
        assert answer.read()[4:8] == b"ftyp"
    cloud.clock.advance("25h")
    assert (task(cloud, task_id).status, task(cloud, task_id).json["error"]["code"]) == (
        404,
        "ModelArts.81108",
    )
    with pytest.raises(HTTPError):
        urlopen(shown["content"]["result_url"])


def test_a_film_of_a_picture_that_is_none_fails(cloud):
    sent = {"img_url": "data:image/jpg;base64,AAAA"}
    task_id = film(cloud, model="Wan2.2-I2V-A14B", input=sent).json["task_id"]
    cloud.clock.advance("10m")
    shown = task(cloud, task_id).json
    assert (shown["status"], shown["error"]["message"]) == ("failed", "img_url is no JPEG")


def test_a_task_of_another_project_may_not_be_seen(cloud):
    task_id = film(cloud, parameters={"size": "480x832", "duration": 3, "fps": 8}).json["task_id"]
    projects = cloud.get("/v3/projects").json["projects"]
    other = next(row["id"] for row in projects if row["id"] != cloud.project_id)
    key = console(cloud, "POST", f"maas/api-keys?project_id={other}").json["api_key"]
    reply = cloud.get(f"/v1/video/generations/{task_id}", headers={"Authorization": f"Bearer {key}"})
    assert (reply.status, reply.json["error"]["code"]) == (403, "ModelArts.81109")


@pytest.mark.parametrize(
    "body",
    [
        {"input": {}},
        {"parameters": {"size": "1x1"}},
        {"model": "Wan2.2-I2V-A14B"},
        {
            "model": "wan2.1-i2v-14b-480p",
            "input": {"img_url": JPEG},
            "parameters": {"size": "1280*720", "fps": 9},
        },
        {"model": "deepseek-v3"},
    ],
)
def test_what_cannot_be_filmed_is_refused(cloud, body):
    assert 400 <= film(cloud, **body).status < 500


def test_each_generation_of_films_writes_sizes_its_own_way(cloud):
    for model, size in (("wan2.1-t2v-1.3b", "832*480"), ("Wan2.2-T2V-A14B", "832x480")):
        assert film(cloud, model=model, parameters={"size": size, "duration": 3, "fps": 8}).status == 200
        assert (
            film(
                cloud,
                model=model,
                parameters={"size": size.replace("x", "?").replace("*", "x").replace("?", "*")},
            ).status
            == 400
        )


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/embeddings", {"model": "bge-m3", "input": "a"}),
        ("/v1/rerank", {"model": "bge-reranker-v2-m3", "query": "a", "documents": ["b"]}),
        ("/v1/images/generations", {"model": "qwen-image", "prompt": "a", "size": "64x64"}),
    ],
)
def test_what_an_answer_drew_is_drawn_again_after_going_back(cloud, path, asked):
    key = key_of(cloud)

    def ask():
        reply = cloud.post(path, asked, headers=key).raise_for_status().json
        return reply.get("id") or reply["data"][0]["b64_json"]

    first, second = ask(), ask()
    cloud.rewind(before=cloud.journal.exchanges()[-2]["number"])
    assert first != second and (ask(), ask()) == (first, second)
