"""functions/thumbnail: real pictures in, real pictures out."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image
from thumbnail import EDGE, handle


def picture(size: tuple[int, int], kind: str = "PNG", colour: Any = "red", mode: str = "RGB", **options: Any) -> str:
    """A picture as a caller sends it."""
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, kind, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def shown(answer: dict[str, Any]) -> Image.Image:
    """The picture in an answer."""
    assert (200, True, "image/png") == (
        answer["statusCode"], answer["isBase64Encoded"], answer["headers"]["content-type"]
    )
    return Image.open(io.BytesIO(base64.b64decode(answer["body"])), formats=["PNG"])


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (picture((1280, 640)), (EDGE, EDGE // 2)),
        (picture((640, 1280), "JPEG"), (EDGE // 2, EDGE)),
        (picture((300, 300), "WEBP"), (EDGE, EDGE)),
        (picture((300, 300), "GIF", 3, "P"), (EDGE, EDGE)),
        (picture((20, 10)), (20, 10)),
        (picture((4000, 1), mode="L", colour=0), (EDGE, 1)),
    ],
    ids=["wide", "tall", "square", "palette", "small", "line"],
)
def test_a_picture_is_made_small_in_proportion(sent: str, expected: tuple[int, int]) -> None:
    """The longer side becomes ``EDGE``; what is small already stays."""
    assert expected == shown(handle({"body": sent, "isBase64Encoded": True}, None)).size


def test_a_picture_keeps_its_colour() -> None:
    """It is that picture, not any."""
    assert (255, 0, 0, 255) == shown(handle({"body": picture((500, 500))}, None)).getpixel((64, 64))


def test_a_camera_s_picture_comes_out_upright() -> None:
    """A camera writes a turned picture and says so: orientation 6 is a quarter turn."""
    turned = Image.Exif()
    turned[0x0112] = 6
    assert (EDGE // 2, EDGE) == shown(handle({"body": picture((400, 200), "JPEG", exif=turned)}, None)).size


def test_initials_stand_for_who_sends_no_picture() -> None:
    """A disc on nothing, with white letters, in a colour that belongs to the name."""
    ada, bob = (shown(handle({"queryStringParameters": {"name": name}}, None)) for name in ("Ada Lovelace", "bob"))
    assert (EDGE, EDGE) == ada.size
    assert 0 == ada.getpixel((0, 0))[3]
    assert (255, 255, 255, 255) in {colour for _, colour in ada.getcolors(EDGE * EDGE)}
    assert ada.getpixel((EDGE // 2, 4)) != bob.getpixel((EDGE // 2, 4))
    assert ada.tobytes() == shown(handle({"queryStringParameters": {"name": " Ada  Lovelace\n"}}, None)).tobytes()


@pytest.mark.parametrize("query", [None, {}, {"name": ""}, {"name": " "}, {"name": "李小龍"}, {"name": "x" * 10_000}])
def test_any_name_gives_a_picture(query: dict[str, str] | None) -> None:
    """No name and no letter is an error."""
    assert (EDGE, EDGE) == shown(handle({"queryStringParameters": query, "body": None}, None)).size


def test_a_placeholder_comes_with_it() -> None:
    """BlurHash of 4 by 3 components: 28 characters, of which the first says so."""
    assert "L" == handle({"body": picture((64, 64))}, None)["headers"]["x-blurhash"][0]
    assert 28 == len(handle({}, None)["headers"]["x-blurhash"])


@pytest.mark.parametrize(
    "body",
    [
        "no base64 at all!",
        base64.b64encode(b"no picture").decode(),
        picture((500, 500))[:400],
        picture((50, 50), "BMP"),
        picture((50, 50), "TIFF"),
    ],
    ids=["text", "bytes", "truncated", "bmp", "tiff"],
)
def test_what_is_no_picture_is_the_caller_s_mistake(body: str) -> None:
    """400 with a message, never a crash."""
    answer = handle({"body": body}, None)
    assert (400, "application/json", False) == (
        answer["statusCode"], answer["headers"]["content-type"], answer["isBase64Encoded"]
    )
    assert "the body is not a picture (GIF, JPEG, PNG, WEBP) in base64" == json.loads(answer["body"])["message"]


def test_a_huge_picture_is_refused_before_it_is_unpacked() -> None:
    """A few kilobytes can hold a picture that fills the memory."""
    bomb = picture((8000, 4000), mode="1", colour=0)
    assert len(bomb) < 20_000
    answer = handle({"body": bomb}, None)
    assert (400, "the picture has more than 16 million pixels") == (
        answer["statusCode"], json.loads(answer["body"])["message"]
    )
