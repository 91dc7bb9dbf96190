"""What tests of proposals share."""

from tests.features.tables.sources.conftest import mariadb, s3, s3_server, schema, store
from tests.support.proposals import look

__all__ = ["look", "mariadb", "s3", "s3_server", "schema", "store"]
