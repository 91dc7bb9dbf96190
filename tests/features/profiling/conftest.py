"""What tests of proposals share."""

from tests.features.tables.sources.conftest import mariadb, schema, store
from tests.support.proposals import look

__all__ = ["look", "mariadb", "schema", "store"]
