"""GET /v3/products and GET /v3/customers/current: what the customer has, and who that is."""

from __future__ import annotations

from dataclasses import dataclass

from embedkit.models import JSON
from embedkit.sandbox.services.caller import Caller
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.errors import invalid
from embedkit.sandbox.services.history import History
from embedkit.sandbox.services.http import Call, Reply, json_reply
from embedkit.sandbox.services.products import CUSTOMER, PRODUCTS, Product

REQUIREMENTS = "download_requirements"


@dataclass(frozen=True, slots=True)
class Account:
    """The handlers."""

    config: SandboxConfig
    history: History

    def products(self, call: Call, caller: Caller) -> Reply:
        """Every product; none for an application on its own (seen with client credentials)."""
        fields = {field.strip() for field in call.params.get("fields", "").split(",") if field.strip()}
        if unknown := fields - {REQUIREMENTS}:
            raise invalid("fields", f"The value '{min(unknown)}' is not valid.")
        held = PRODUCTS if caller.licensed else ()
        return json_reply({"products": [self._shown(one, caller, detailed=bool(fields)) for one in held]})

    def customer(self, call: Call, caller: Caller) -> Reply:  # noqa: ARG002
        """The customer's name."""
        return json_reply(CUSTOMER)

    def _shown(self, product: Product, caller: Caller, *, detailed: bool) -> JSON:
        limit = self.config.download_limit
        left = max(0, limit - self.history.used(caller.user, product)) if limit else None
        needed = {"is_note_required": False, "is_project_code_required": False, "project_codes": []}
        return {
            "application_website": "gettyimages",
            "credits_remaining": None,
            "download_limit": limit or None,
            "download_limit_duration": None,
            "download_limit_reset_utc_date": None,
            "downloads_remaining": left,
            "expiration_utc_date": None,
            "id": product.id,
            "name": product.name,
            "status": "active",
            "type": product.type,
            **({REQUIREMENTS: needed} if detailed else {}),
            "agreement_name": product.name,
            "imagepack_resolution": "Large" if product.type == "imagepack" else None,
            "team_credits": None,
        }
