"""What teaches scripts their texts: a file a language, under an address that names its version, as the other files of pages have one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from undercroft.console.languages import Language, Languages

SCRIPT_PATH = "/languages/{version}/{tag}.js"


def address_of(language: Language) -> str:
    """Where the script of a language is."""
    return SCRIPT_PATH.format(version=language.version, tag=language.tag)


def script_of(languages: Languages) -> Callable[[Request], Awaitable[Response]]:
    """What answers these addresses."""

    async def answer(request: Request) -> Response:
        language = languages.get(request.path_params["tag"])
        if language is None or not language.script:
            return PlainTextResponse("There is no such language.\n", 404)
        is_current = request.path_params["version"] == language.version
        return Response(
            language.script,
            media_type="text/javascript",
            headers={
                "x-content-type-options": "nosniff",
                "cache-control": "public, max-age=31536000, immutable" if is_current else "no-cache",
            },
        )

    return answer
