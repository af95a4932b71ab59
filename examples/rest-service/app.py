"""A REST service: what the registry holds, its document, and a page to read and try it."""

from flask import Flask
from flask_swagger_ui import get_swaggerui_blueprint

from document import describe
from handlers import registry
from problems import translate
from registry import Registry

BODY_BYTES = 65_536


def create_app(registry: Registry) -> Flask:
    app = Flask(__name__)
    app.url_map.strict_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES
    translate(app)
    registry.route(app)
    document = describe(registry, title="Hello", version="1.0.0")
    app.add_url_rule("/swagger", "swagger", lambda: document)
    # The page asks nobody but this service: no validator elsewhere, no addresses out of the Host header.
    page = {"app_name": "Hello", "validatorUrl": None, "oauth2RedirectUrl": ""}
    app.register_blueprint(get_swaggerui_blueprint("/swagger/ui", "/swagger", config=page))
    return app


app = create_app(registry)
