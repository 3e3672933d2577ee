"""embedkit: a Getty Images reference goes in, a safe embed comes out.

    from embedkit import EmbedKit

    kit = EmbedKit()
    kit.html("74917285")

The packages, from the top down. Each imports only from those below it.

    integrations     plugins for site generators and frameworks, one module for each host
    cli              the command line: cli/main.py, and a module for each group of commands
    pytest_plugin    pytest fixtures: an EmbedKit and a sandbox for your own tests
    sandbox          Getty's services, emulated offline: SandboxServer, SandboxTransport
    web              the Flask service: create_app, create_blueprint; web/routes.py lists its endpoints
    kit              EmbedKit: resolve, html, render, search, warm, purge
    engine           the work behind EmbedKit: engine/resolver.py resolves pictures;
                     engine/build.py has Build, the steps of a site's build
    api              the Getty Images API v3: Api, with search, images, downloads and boards
    cache            copies of records: EmbedCache, on top of one of the stores in cache/stores/
    transport        HTTP to Getty's services: Transport, HttpTransport
    rendering        records to output: Renderer, with a template in templates/embedkit/ for each target
    getty            Getty's formats: references, oEmbed requests and responses, embed code; no I/O
    shortcodes       references in texts: finding and replacing them, and what counts as code
    files            atomic writes, and the location of the installed templates and static files
    settings         Settings: one table, with a sentence for each
    models           the values passed between packages: AssetRef, Embed, Options, Document, Report
    messages         Request and Response
    targets          the targets of rendering: one row for each
    freshness        how long a copy may be shown
    errors           every exception that is raised

Names are imported on first use (PEP 562), so importing the package costs almost nothing.
"""

TYPE_CHECKING = False  # as in typing, which takes time to import
if TYPE_CHECKING:
    from embedkit.api.boards import (
        Board as Board,
        BoardAsset as BoardAsset,
        BoardChange as BoardChange,
        BoardLinks as BoardLinks,
        BoardPage as BoardPage,
        BoardPermissions as BoardPermissions,
        Boards as Boards,
        Comment as Comment,
        Comments as Comments,
    )
    from embedkit.api.account import (
        Customer as Customer,
        DownloadDimensions as DownloadDimensions,
        DownloadNotes as DownloadNotes,
        DownloadPage as DownloadPage,
        DownloadRequirements as DownloadRequirements,
        DownloadUser as DownloadUser,
        PastDownload as PastDownload,
        Product as Product,
    )
    from embedkit.api.changes import (
        AssetChange as AssetChange,
        AssetChanges as AssetChanges,
        ChangeSet as ChangeSet,
        Channel as Channel,
    )
    from embedkit.api.client import Api as Api
    from embedkit.api.downloads import Download as Download, Downloads as Downloads
    from embedkit.api.events import (
        Event as Event,
        EventLocation as EventLocation,
        EventPage as EventPage,
        FoundEvents as FoundEvents,
        HeroImage as HeroImage,
    )
    from embedkit.api.login import BrowserLogin as BrowserLogin, LoginRequest as LoginRequest
    from embedkit.api.models import (
        AllowedUse as AllowedUse,
        Collection as Collection,
        Country as Country,
        Credit as Credit,
        DisplaySize as DisplaySize,
        DownloadOffer as DownloadOffer,
        DownloadSize as DownloadSize,
        EditorialSource as EditorialSource,
        Facet as Facet,
        Facets as Facets,
        Found as Found,
        IStockLicense as IStockLicense,
        Image as Image,
        Keyword as Keyword,
        ReferralDestination as ReferralDestination,
        RelatedSearch as RelatedSearch,
        SearchPage as SearchPage,
    )
    from embedkit.api.response_cache import SearchBudget as SearchBudget
    from embedkit.api.orders import DownloadPlan as DownloadPlan
    from embedkit.api.search import PreparedSearch as PreparedSearch, Search as Search
    from embedkit.cache.embed_cache import EmbedCache as EmbedCache
    from embedkit.cache.entry import Entry as Entry
    from embedkit.engine.build import (
        Build as Build,
        BuildReport as BuildReport,
        ExportReport as ExportReport,
        Finding as Finding,
        LockReport as LockReport,
        Page as Page,
    )
    from embedkit.engine.shelf import Shelf as Shelf
    from embedkit.engine.sources import Post as Post, Source as Source, Sources as Sources
    from embedkit.errors import (
        AlreadyLicensed as AlreadyLicensed,
        ConfigurationError as ConfigurationError,
        EmbedKitError as EmbedKitError,
        InvalidKey as InvalidKey,
        InvalidResponse as InvalidResponse,
        InvalidToken as InvalidToken,
        LicenseUnknown as LicenseUnknown,
        NotEmbeddable as NotEmbeddable,
        NotFound as NotFound,
        NotLicensed as NotLicensed,
        PermissionDenied as PermissionDenied,
        ProviderError as ProviderError,
        QuotaExhausted as QuotaExhausted,
        RateLimited as RateLimited,
        Unauthorized as Unauthorized,
        Unavailable as Unavailable,
        UnsupportedReference as UnsupportedReference,
    )
    from embedkit.files.atomic import Outcome as Outcome, WriteBack as WriteBack
    from embedkit.files.installed import static_dir as static_dir, templates_dir as templates_dir
    from embedkit.kit import EmbedKit as EmbedKit
    from embedkit.messages import Request as Request, Response as Response, Sink as Sink
    from embedkit.models import (
        JSON as JSON,
        Align as Align,
        AssetRef as AssetRef,
        Bounds as Bounds,
        Document as Document,
        Embed as Embed,
        EmbedKey as EmbedKey,
        Frame as Frame,
        Options as Options,
        Problem as Problem,
        RenderOptions as RenderOptions,
        Report as Report,
        Shortcode as Shortcode,
    )
    from embedkit.settings import Secret as Secret, Settings as Settings
    from embedkit.targets import Input as Input, Target as Target
    from embedkit.transport.client import HttpTransport as HttpTransport, Transport as Transport
    from embedkit.web import create_app as create_app, create_blueprint as create_blueprint

__version__ = "0.1.0"

_MODULES = {
    "kit": "EmbedKit",
    "settings": "Secret Settings",
    "models": (
        "JSON Align AssetRef Bounds Document Embed EmbedKey Frame Options Problem RenderOptions Report Shortcode"
    ),
    "targets": "Input Target",
    "errors": (
        "AlreadyLicensed ConfigurationError EmbedKitError InvalidKey InvalidResponse InvalidToken LicenseUnknown "
        "NotEmbeddable NotFound NotLicensed PermissionDenied ProviderError QuotaExhausted RateLimited "
        "Unauthorized Unavailable UnsupportedReference"
    ),
    "messages": "Request Response Sink",
    "engine.build": "Build BuildReport ExportReport Finding LockReport Page",
    "engine.shelf": "Shelf",
    "engine.sources": "Post Source Sources",
    "transport.client": "HttpTransport Transport",
    "cache.embed_cache": "EmbedCache",
    "cache.entry": "Entry",
    "files.atomic": "Outcome WriteBack",
    "api.client": "Api",
    "api.account": (
        "Customer DownloadDimensions DownloadNotes DownloadPage DownloadRequirements DownloadUser "
        "PastDownload Product"
    ),
    "api.changes": "AssetChange AssetChanges ChangeSet Channel",
    "api.login": "BrowserLogin LoginRequest",
    "api.events": "Event EventLocation EventPage FoundEvents HeroImage",
    "api.search": "PreparedSearch Search",
    "api.downloads": "Download Downloads",
    "api.orders": "DownloadPlan",
    "api.boards": "Board BoardAsset BoardChange BoardLinks BoardPage BoardPermissions Boards Comment Comments",
    "api.models": (
        "AllowedUse Collection Country Credit DisplaySize DownloadOffer DownloadSize EditorialSource "
        "Facet Facets Found IStockLicense Image Keyword ReferralDestination RelatedSearch SearchPage"
    ),
    "api.response_cache": "SearchBudget",
    "files.installed": "static_dir templates_dir",
    "web": "create_app create_blueprint",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = ["__version__", *_HOMES]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'embedkit' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"embedkit.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
