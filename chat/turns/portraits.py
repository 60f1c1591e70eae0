"""Portraits: checked by what they are, not by what they are called, and kept under the hash of their content."""

import hashlib
import io
import secrets
import warnings
from pathlib import Path

from django.conf import settings
from PIL import Image, ImageOps, UnidentifiedImageError

from chat.errors import ChatError

MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 40_000_000
SIDE_PIXELS = 512
FORMATS = ["PNG", "JPEG", "WEBP", "GIF"]


class PortraitError(ChatError):
    """This is not a picture that can be used: send a PNG, JPEG, WebP or GIF of at most 5 MB."""

    status = 422


def store_portrait(content: bytes) -> str:
    """Keep an uploaded picture as a square WebP of at most 512 px; the file's name. Raises PortraitError.

    Re-encoding drops whatever else the file carried: metadata, a second format, a script.
    """
    if not 0 < len(content) <= MAX_BYTES:
        raise PortraitError
    encoded = _encoded(content)
    name = f"{hashlib.sha256(encoded).hexdigest()}.webp"
    folder = settings.MEDIA_ROOT / "portraits"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / name).exists():
        _write_whole(folder / name, encoded)
    return name


def _write_whole(path: Path, content: bytes) -> None:
    """Under another name first: nobody is ever shown half a picture, and a full disk leaves none behind."""
    draft = path.with_name(f".{secrets.token_hex(8)}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _encoded(content: bytes) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise PortraitError
                upright = ImageOps.exif_transpose(picture).convert("RGB")
                side = min(SIDE_PIXELS, *upright.size)
                out = io.BytesIO()
                ImageOps.fit(upright, (side, side)).save(out, "WEBP", quality=88)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError, Warning) as error:
        raise PortraitError from error
    return out.getvalue()
