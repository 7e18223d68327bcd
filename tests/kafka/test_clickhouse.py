"""ClickHouse reads the topics from Apache Kafka by its Kafka engine."""

from pathlib import Path

import pytest

from tests.clickhouse.clickhouse import COMPUTE, PYTHON, execute, reading
from tests.clickhouse.comparison import compare_figures, queries
from tests.support.kafka import publish
from tests.support.kafka_cluster import KafkaCluster
from tests.support.viewing_traffic import traffic

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="ClickHouse is not installed (run make test-clickhouse)"
)


def test_figures_of_what_the_engine_reads(cluster: KafkaCluster, tmp_path: Path) -> None:
    """Records that brokers deliver, with their topics, offsets and times, give the same figures."""
    made = traffic(0)
    records = made.records()
    cluster.delete_records()
    publish(cluster.bootstrap_servers, records)

    statements = reading(cluster.bootstrap_servers, records=len(records))
    found = execute(tmp_path, [*statements, *COMPUTE], queries(), tolerated="Shutdown was called")
    compare_figures(found, made.values)
