"""One call to the API v3: the key, the token, one more try with a newer token after a 401."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from embedkit.api import oauth
from embedkit.api.tokens import Tokens
from embedkit.errors import ConfigurationError, Unavailable
from embedkit.messages import Request, Response
from embedkit.settings import Secret, Settings

if TYPE_CHECKING:
    from embedkit.transport.client import Transport

# what a call has to show: the key alone will do, a token, or the token of a customer
Need = Literal["key", "token", "customer"]


class Caller:
    """Puts requests on the wire, on behalf of the key and the customer of the settings.

    :param transport: gives the transport when first needed.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: Settings,
        transport: Callable[[], Transport],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._tokens = Tokens(settings, lambda request: self._transport().send(request), clock)

    def check(self, need: Need = "key") -> None:
        """Nothing, where the settings have what a call needs.

        :raises ConfigurationError: else; names the settings.
        """
        settings = self._settings
        if settings.frozen:
            raise ConfigurationError("This asks the network, and FROZEN is set.", hint="Unset FROZEN.")
        if not settings.api_key:
            raise ConfigurationError("This needs a key of the Getty Images API.", hint="Set API_KEY.")
        if need == "customer" and not oauth.customer(settings):
            raise ConfigurationError("This needs a customer of Getty Images.", hint="Set USERNAME and PASSWORD.")
        if not oauth.grant(settings) and need == "token":
            hint = "Set API_SECRET; and USERNAME and PASSWORD, for what a customer has licensed."
            raise ConfigurationError("This needs a token.", hint=hint)

    def call(self, request: Request, need: Need = "key") -> Response:
        """The answer, whatever its status. TIMEOUT bounds it all, getting a token included.

        :raises ConfigurationError: where a setting is missing.
        :raises ProviderError: where there is no answer that may be used, or no token.
        """
        self.check(need)
        end = math.inf if request.batch else self._clock() + self._settings.timeout
        token = self._tokens.current(end)
        response = self._sent(request, token, end)
        if response.status != 401 or token is None:
            return response
        newer = self._tokens.newer(token, end)
        return response if newer is None else self._sent(request, newer, end)

    def fetch(self, request: Request) -> Response:
        """The answer to a request that goes out as it is: without key, without token."""
        return self._transport().send(request)

    def _sent(self, request: Request, token: Secret | None, end: float) -> Response:
        if end < math.inf:
            if (left := end - self._clock()) <= 0:
                raise Unavailable("The time was over before Getty Images could be asked.", retry_after=1.0)
            request = replace(request, timeout=left)
        # no variable here holds what is revealed
        return self._transport().send(
            replace(
                request,
                headers={
                    **request.headers,
                    "Api-Key": self._settings.api_key.reveal(),
                    **({} if token is None else {"Authorization": f"Bearer {token.reveal()}"}),
                },
            )
        )
