"""App: the console's web application; so far a start page that says where the API is."""

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from setaria import __version__
from setaria.domain.catalog.model import Catalog

START_PATH = "/console/"
STYLE_PATH = "/console/style.css"

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def build_app(catalog: Catalog, base_url: str) -> Starlette:
    """Build the application; `base_url` is the address that callers use."""
    loader = PackageLoader("setaria.entrypoints.console", "pages")
    pages = Environment(loader=loader, autoescape=select_autoescape())
    start = pages.get_template("start.html").render(version=__version__, models=catalog.models, base_url=base_url)
    missing = pages.get_template("missing.html").render(version=__version__)
    style = loader.get_source(pages, "style.css")[0]

    async def show_start(_request: Request) -> Response:
        return HTMLResponse(start, headers=_HEADERS)

    async def show_style(_request: Request) -> Response:
        return Response(style, media_type="text/css", headers=_HEADERS)

    async def lead_to_start(_request: Request) -> Response:
        return RedirectResponse(START_PATH, headers=_HEADERS)

    async def show_missing(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return HTMLResponse(missing, status_code=status, headers=_HEADERS)

    routes = [
        Route("/", lead_to_start),
        Route("/console", lead_to_start),
        Route(START_PATH, show_start),
        Route(STYLE_PATH, show_style),
    ]
    return Starlette(routes=routes, exception_handlers={404: show_missing})
