"""A visitor's picture, small: the one that was sent, else a disc with the initials.

Behind API Gateway or a function URL, as ``echo`` is. Its dependencies are real ones: Pillow is compiled, so the
package has to hold the build of it for the function's own runtime and architecture.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import struct
import zlib
from typing import Any

import blurhash
from PIL import Image, ImageDraw, ImageFont, ImageOps

from shared.greeting import tidy

EDGE = 128
"""The longer side of what is answered, in pixels."""
FORMATS = ("GIF", "JPEG", "PNG", "WEBP")
MOST_PIXELS = 16_000_000
"""A larger picture is refused before it is unpacked: it would not fit the function's memory."""
Image.MAX_IMAGE_PIXELS = None  # Pillow would only warn, and at many more


class NotAPicture(ValueError):
    """What was sent cannot be made small. The text is for the caller."""


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A picture in the body (base64) is answered as a small PNG; without a body, the initials of ``?name=`` are.

    The header ``x-blurhash`` is what to show until the picture is there: https://blurha.sh
    """
    try:
        if event.get("body"):
            picture = shrink(event["body"])
        else:
            picture = initials(tidy((event.get("queryStringParameters") or {}).get("name")))
    except NotAPicture as problem:
        return answer(400, "application/json", json.dumps({"message": str(problem)}))
    png = io.BytesIO()
    picture.save(png, "PNG", optimize=True)
    return answer(200, "image/png", base64.b64encode(png.getvalue()).decode(), {"x-blurhash": blur(picture)}, True)


def shrink(body: str) -> Image.Image:
    """The picture in ``body``, upright, its longer side at most ``EDGE``. Raises NotAPicture."""
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(body)), formats=FORMATS)
        if picture.width * picture.height > MOST_PIXELS:
            raise NotAPicture(f"the picture has more than {MOST_PIXELS // 1_000_000} million pixels")
        picture.thumbnail((EDGE, EDGE))
        return ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, SyntaxError, struct.error, binascii.Error):  # what Pillow raises for what is none, or broken
        raise NotAPicture(f"the body is not a picture ({', '.join(FORMATS)}) in base64") from None


def initials(name: str) -> Image.Image:
    """A disc in a colour of the name's own, with the first letters of its first and last word."""
    words = name.split()
    letters = "".join(word[0] for word in dict.fromkeys((words[0], words[-1]))).upper() if words else "?"
    colour = f"hsl({zlib.crc32(name.encode()) % 360}, 45%, 45%)"
    picture = Image.new("RGBA", (EDGE, EDGE))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((0, 0, EDGE - 1, EDGE - 1), fill=colour)
    draw.text((EDGE / 2, EDGE / 2), letters, fill="white", font=ImageFont.load_default(EDGE * 0.4), anchor="mm")
    return picture


def blur(picture: Image.Image) -> str:
    """The picture in about thirty characters, seen on white."""
    seen = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB").resize((20, 20))
    pixels = [[seen.getpixel((x, y)) for x in range(seen.width)] for y in range(seen.height)]
    return str(blurhash.encode(pixels, components_x=4, components_y=3))


def answer(
    status: int, kind: str, body: str, headers: dict[str, str] | None = None, binary: bool = False
) -> dict[str, Any]:
    """In the shape of a proxy integration."""
    return {
        "statusCode": status,
        "headers": {"content-type": kind, **(headers or {})},
        "isBase64Encoded": binary,
        "body": body,
    }
