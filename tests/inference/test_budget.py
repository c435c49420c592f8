"""Decoded pictures share one budget, and give back what they took."""

import base64
import gc
import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from modelarts_emulator.inference import vision
from modelarts_emulator.inference.budget import Budget
from PIL import Image


@pytest.fixture
def picture(monkeypatch):
    """A picture of 100 x 100 pixels in base64, and a budget for three of them."""
    monkeypatch.setattr(vision, "DECODED", Budget(3 * 40_000))
    kept = io.BytesIO()
    Image.new("RGB", (100, 100), "red").save(kept, "PNG")
    return base64.b64encode(kept.getvalue()).decode()


def test_many_pictures_at_once_stay_within_the_budget(picture, monkeypatch):
    held = []
    load = Image.Image.load

    def note(image):
        held.append(vision.DECODED.held)
        return load(image)

    monkeypatch.setattr(Image.Image, "load", note)
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda _: vision.classified(vision.picture_in(picture), False), range(200)))
    assert 40_000 <= max(held) <= 3 * 40_000


def test_a_picture_gives_back_its_room_broken_or_not(picture):
    vision.picture_in(picture)
    with pytest.raises(vision.BadImage):
        vision.picture_in(picture[:200])
    gc.collect()
    assert vision.DECODED.held == 0


def test_what_is_larger_than_the_budget_is_let_in_alone():
    budget = Budget(10)
    budget.take(50)
    assert budget.held == 50
