"""Past one machine: a real S3 API on loopback, and a real Dask cluster of which one worker is killed."""

import gc
import os
import re
import signal
import sys
import textwrap
import threading

import pytest

import mtasts_analysis as ma
from mtasts_analysis.archive import units
from mtasts_analysis.store import ingest, manifest
from mtasts_analysis.store.places import Bucket, place
from tests.archive.building import mail, mbox, packed, text
from tests.conftest import ROOT
from tests.scale.mixed import lay_out, same
from tests.scale.test_store import alike

pytestmark = [
    pytest.mark.slow,
    # Of botocore, moto and distributed; none is ours.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:distributed.*"),
]


@pytest.fixture(scope="module")
def options():
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    import boto3

    given = {
        "key": "testing",
        "secret": "testing",
        "endpoint_url": f"http://{host}:{port}",
        "client_kwargs": {"region_name": "us-east-1"},
    }
    client = boto3.client(
        "s3",
        endpoint_url=given["endpoint_url"],
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="reports")
    yield given
    server.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return lay_out(tmp_path_factory.mktemp("mixed"))


def test_a_bucket_holds_what_a_folder_does(folder, options, monkeypatch):
    monkeypatch.setattr(ingest, "CHECKPOINT", 60)
    store = ma.Store("s3://reports/a/store", **options)
    assert store.accounting.items == 0
    store.ingest(folder)
    whole = ma.load(folder, workers=1)
    alike(store, whole)
    assert store.ingest(folder).accounting.items == 0
    store.compact()
    alike(ma.Store("s3://reports/a/store", **options), whole)
    assert len(ma.failure_types(store)) == len(ma.failure_types(whole))
    where = ma.Filter(domains="d.example", start="2026-02-01", end="2026-02-01")
    assert len(store.read(where).policies) == len(whole.filter(where).policies)


def test_what_a_storage_refuses_is_told(tmp_path, options):
    """No bucket, nobody there, no such file system, no such option: one line each."""
    (tmp_path / "a.json").write_bytes(text(1))
    with pytest.raises(
        ma.OutputError, match="s3://none/store: expected a bucket to write to; The specified bucket"
    ):
        ma.Store("s3://none/store", **options).ingest(tmp_path / "a.json")
    nobody = options | {
        "endpoint_url": "http://127.0.0.1:9",
        "config_kwargs": {"retries": {"max_attempts": 1}},
    }
    with pytest.raises(ma.StoreError, match=r"s3://reports/d: expected to read.*Could not connect"):
        ma.Store("s3://reports/d", **nobody)
    with pytest.raises(
        ma.InputError, match=r"nonsense://x: expected a URL that fsspec knows.*Protocol not known"
    ):
        ma.Store("nonsense://x")
    with pytest.raises(ma.StoreError, match="unexpected keyword argument 'colour'"):
        ma.Store("s3://reports/d", colour="blue")  # fmt: skip


def test_an_object_that_is_gone_is_told(tmp_path, options):
    """A bucket says so only when it is read."""
    (tmp_path / "a.json").write_bytes(text(1))
    store = ma.Store("s3://reports/gone", **options)
    store.ingest(tmp_path / "a.json")
    (name,) = store.files("policies")
    place("s3://reports/gone", options).delete(name.removeprefix("s3://reports/gone/"))
    with pytest.raises(ma.StoreError, match="which its newest state names; it is not there"):
        store.read()


def test_no_file_is_left_open_where_a_storage_refuses(tmp_path, options, monkeypatch):
    """Of several files that cannot be written each is let go: none asks the storage again when it is collected."""
    untold = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: untold.append(repr(told.object)))
    (tmp_path / "a.json").write_bytes(text(1))
    with pytest.raises(ma.OutputError, match="s3://none/store: expected a bucket to write to"):
        ma.Store("s3://none/store", **options).ingest(tmp_path / "a.json")
    gc.collect()
    assert not [one for one in untold if "writing" in one]


def test_of_two_writers_to_a_bucket_one_commits(options):
    """The condition is the server's (If-None-Match): both create the same manifest at once."""
    there = place("s3://reports/b", options)
    states, errors = [], []

    def committing():
        try:
            states.append(manifest.commit(there, manifest.State()))
        except ma.StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=committing) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(states), len(errors)) == (1, 5)


def test_the_writer_that_lost_runs_again(tmp_path, options, monkeypatch):
    """A commit comes between another run's beginning and its own commit."""
    (tmp_path / "a.json").write_bytes(text(1))
    (tmp_path / "b.json").write_bytes(text(2))
    one, other = (ma.Store("s3://reports/c", **options) for _ in range(2))
    committing = manifest.commit

    def late(there, state):
        monkeypatch.setattr(manifest, "commit", committing)
        other.ingest(tmp_path / "b.json")
        return committing(there, state)

    monkeypatch.setattr(manifest, "commit", late)
    with pytest.raises(ma.StoreError, match="another one committed meanwhile"):
        one.ingest(tmp_path / "a.json")
    assert one.refresh().accounting.reports == 1
    one.ingest(tmp_path / "a.json")
    assert one.accounting.reports == 2
    # What the lost run wrote was taken away by the next commit.
    there = place("s3://reports/c", options)
    named = set().union(*(manifest._read(there, n).files() for n in manifest._numbers(there)))
    found = {f"{f}/{n}" for f in there.folders() for n in there.names(f) if f != "_manifest"}
    assert found == named


@pytest.mark.parametrize("lost_each", [True, False], ids=["each commit's", "none"])
def test_a_commit_whose_answer_was_lost_holds(tmp_path, options, monkeypatch, lost_each):
    """What asks a bucket again, as its library does, is told that the file is there: it is its own."""
    creating = Bucket.create

    def twice(there, name, content):
        assert creating(there, name, content)
        return creating(there, name, content)

    if lost_each:
        monkeypatch.setattr(Bucket, "create", twice)
    store = ma.Store(f"s3://reports/lost/{lost_each}", **options)
    for number in (1, 2):
        (tmp_path / f"{number}.json").write_bytes(text(number))
        assert store.ingest(tmp_path).accounting.reports == 1
    store.compact()
    assert store.accounting.reports == len(store.read().reports) == 2


def test_a_dask_worker_is_killed_midway(folder, tmp_path, monkeypatch):
    """Two workers, one killed as it reads: nothing is lost, nothing stands twice."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(units.plan, "__defaults__", (2_500, None, None))
    path = tmp_path / "box"
    path.write_bytes(mbox([mail(packed(n)) for n in range(400)]))
    whole = ma.load([folder, path], workers=1)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
            host="127.0.0.1",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        pids = client.run(os.getpid)
        results, killed = [], []

        class Killing:
            """The executor, with a worker killed after the first results."""

            def __init__(self):
                self.executor = client.get_executor()

            def submit(self, work, *given):
                results.append(1)
                if len(results) == 12:
                    victim = next(iter(pids.values()))
                    os.kill(victim, signal.SIGKILL)
                    killed.append(victim)
                return self.executor.submit(work, *given)

        data = ma.load([folder, path], executor=Killing(), workers=4)
        assert killed
        assert len(results) > 50
        same(data, whole)
        # As docs/store.md has it, but for where things are.
        page = (ROOT / "docs" / "store.md").read_text()
        example = textwrap.dedent(re.search(r"(?m)^    from dask.*\n(?:    .*\n)+", page)[0])
        assert '"tcp://scheduler:8786"' in example
        for there, here in (
            ("tcp://scheduler:8786", cluster.scheduler_address),
            ("/srv/mail/tlsrpt", str(folder)),
        ):
            example = example.replace(there, here)
        store = ma.Store(tmp_path / "store")
        names = {"store": store}
        exec(example, names)
        names["client"].close()
        alike(store, ma.load(folder, workers=1))
