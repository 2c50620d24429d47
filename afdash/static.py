"""Static files under hashed names, so browsers may keep them for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModuleStorage(CompressedManifestStaticFilesStorage):
    """Also rewrites ``import … from "./x.js";`` in our modules to the hashed names.

    Django leaves an import without its semicolon alone, silently; a test holds us to it.
    """

    support_js_module_import_aggregation = True
