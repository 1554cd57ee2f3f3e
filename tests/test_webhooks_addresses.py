"""Where webhooks may lead: no form of a private address is let in, by whatever name, at whatever moment."""

import asyncio
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from clinic import Clinic
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from receiving import (
    LOOPBACK,
    QUICK,
    SOON,
    Receiver,
    answer_with,
    delivering,
    look,
    store,
    verify,
    wait_for,
)

from api.webhooks_addresses import Addresses, AddressRefused, Lookups, UnknownName, is_open

pytest_plugins = ["receivers"]
OPEN = "93.184.215.14"
PRIVATE = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "127.0.0.1"),  # noqa: S104
    *("127.9.9.9", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.9", "192.0.2.1"),
    *("192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
    *("239.1.2.3", "240.0.0.1", "255.255.255.255", "168.63.129.16", "::ffff:168.63.129.16"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::8.8.8.8", "2002:7f00:1::"),
    *("2002:a00:1::1", "2001::1", "2001:db8::1", "3fff::1", "5f00::1", "fc00::1", "fd12::1"),
    *("fe80::1", "fe80::1%lo", "fec0::1", "ff02::1", "100::1", "fd00:ec2::254"),
]
SPELLED = [
    *("https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://0177.0.0.1/"),
    *("https://127.1/", "https://127.0.0.1./", "https://017700000001/", "https://127.0.0.0x1/"),
    *("https://127\u30020\u30020\u30021/", "https://[::ffff:7f00:1]/", "https://134744072/"),
    *("https://localhost/", "https://localhost./", "https://LOCALHOST/", "https://a.localhost/"),
]
MALFORMED = [
    *("", "clinic.example", "/psoas", "ftp://clinic.example/", "file:///etc/hosts", "https://"),
    *("http://clinic.example/", "//clinic.example/", "https:clinic.example", "https:///x"),
    *(
        "https://user@clinic.example/",
        "https://user:word@clinic.example/",
    ),
    *("https://clinic.example/#canary", "https://clinic.example/#", "https://clinic.example:25/"),
    *("https://clinic.example:80/", "https://clinic.example:70000/", "https://clinic.example:x/"),
    *("https://clinic example/", "https://clinic\\.example/", "https://clinic.example\n/"),
    *(
        "https://clinic%2eexample/",
        "https://-.example/",
        "https://clinic..example/",
        "https://[::1/",
    ),
    *("https://clinic.example:0/", "https://clinic.example:65536/", "https://8.8.8.8:0/"),
    *("https://" + "a" * 64 + ".example/", "https://clinic." + "a" * 70 + "/"),
    *("https://" + "a" * 1000 + ".example/", "https://" + "a." * 127 + "example/"),
]


class Names:
    """A resolver that gives one answer after the other, the last one for good."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def find(addresses: Addresses, text: str) -> list[str]:
    return [str(one) for one in asyncio.run(addresses.find(addresses.read(text)))]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused_in_itself_and_behind_a_name(address: str) -> None:
    assert not is_open(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressRefused, match="private"):
        find(Addresses((), Names([OPEN])), f"https://{host}/")
    for listed in ([address], [OPEN, address], [address, OPEN]):
        with pytest.raises(AddressRefused, match="private"):
            find(Addresses((), Names(listed)), "https://clinic.example/")


@pytest.mark.parametrize("address", [OPEN, "8.8.8.8", "2620:fe::fe", "64:ff9b::808:808"])
def test_an_address_of_the_open_internet_is_taken(address: str) -> None:
    names = Names([address])
    assert find(Addresses((), names), "https://Clinic.Example./psoas?a=1") == [address]
    assert names.asked == [("clinic.example", 443)]
    host = f"[{address}]" if ":" in address else address
    assert find(Addresses((), names), f"https://{host}:8443/") == [address]
    assert len(names.asked) == 1


@pytest.mark.parametrize("text", [*SPELLED, *MALFORMED])
def test_any_other_spelling_is_refused_before_or_when_it_is_looked_up(text: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        find(Addresses((), Names([OPEN])), text)
    for given in ("ada", "canary", "127", "localhost"):
        assert given not in str(refused.value)


def test_the_real_resolver_is_asked_and_what_it_says_of_this_machine_refused() -> None:
    addresses = Addresses((), Lookups())
    place = addresses.read("https://clinic.example/")
    with pytest.raises(UnknownName):
        asyncio.run(addresses.find(place._replace(host="no-such-name.invalid")))
    found = asyncio.run(Lookups()("localhost", 443))
    assert {"127.0.0.1", "::1"} & set(found)
    with pytest.raises(AddressRefused, match="private"):
        asyncio.run(addresses.find(place._replace(host="2130706433")))


def test_networks_of_ones_own_are_let_in_and_nothing_else() -> None:
    addresses = Addresses((LOOPBACK, "10.1.0.0/16"), Names(["10.1.2.3"]))
    assert find(addresses, "http://intake.clinic:81/") == ["10.1.2.3"]
    assert find(addresses, "https://127.0.0.1:8/") == ["127.0.0.1"]
    assert find(addresses, "https://127.0.0.1:65535/") == ["127.0.0.1"]
    longest = "a" * 63
    assert find(addresses, f"https://{longest}.clinic/") == ["10.1.2.3"]
    refused = [
        *("http://10.2.0.1/", "https://10.2.0.1/", "https://169.254.169.254/"),
        *(f"http://{OPEN}/", f"https://{OPEN}:25/", "https://[::1]/"),
        *("http://127.0.0.1:99999/", "http://127.0.0.1:0/", "https://intake.clinic:65536/"),
    ]
    for text in refused:
        with pytest.raises(AddressRefused):
            find(addresses, text)


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1/", "https://localhost./", "http://clinic.example/"]
)
def test_a_webhook_to_such_an_address_is_not_stored(tmp_path: Path, url: str) -> None:
    clinic = Clinic({"data_dir": tmp_path})
    refused = clinic.call("POST", "/webhooks", json={"url": url})
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert fault["pointer"] == "/url"
    assert url not in refused.text
    assert clinic.call("GET", "/webhooks").json() == {"items": []}


@pytest.mark.parametrize(
    ("answer", "networks", "url", "fault"),
    [
        (["127.0.0.1"], (), "https://clinic.example:{port}/psoas", "private_address"),
        ([OPEN, "127.0.0.1"], (), "https://clinic.example:{port}/psoas", "private_address"),
        ([], (), "https://clinic.example:{port}/psoas", "unknown_name"),
        ([OPEN], (LOOPBACK,), "https://clinic.example:25/psoas", "refused_port"),
        ([OPEN], (LOOPBACK,), "http://clinic.example:{port}/psoas", "insecure"),
    ],
)
def test_a_name_is_stored_without_a_word_and_what_is_wrong_with_it_told_at_the_attempt(
    tmp_path: Path,
    receiver: Receiver,
    answer: list[str],
    networks: tuple[str, ...],
    url: str,
    fault: str,
) -> None:
    """Else whoever stores webhooks would learn which names are known within."""
    names = Names(answer)

    async def resolve(host: str, port: int) -> Sequence[str]:
        if not (found := await names(host, port)):
            raise socket.gaierror
        return found

    clinic = Clinic({"data_dir": tmp_path, "webhook_networks": networks}, resolve=resolve)
    hook = store(clinic, url.format(port=receiver.port))["id"]
    assert names.asked == []
    with delivering(clinic, resolve=resolve):
        clinic.call("POST", f"/webhooks/{hook}/ping")
        wait_for(lambda: look(clinic, hook)["last_delivery"])
    last = look(clinic, hook)["last_delivery"]
    assert (last["fault"], last["status"]) == (fault, None)
    assert len(names.asked) == 1
    assert receiver.received == []


def test_names_that_are_slow_to_be_looked_up_hold_neither_storing_nor_another_tenant(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def look_up(host: str, port: int, **_: object) -> list[Any]:
        if "slow" in host:
            ended.wait(SOON)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("api.webhooks_addresses.socket.getaddrinfo", look_up)
    clinic = Clinic({"data_dir": tmp_path, "webhook_networks": (LOOPBACK,)}, resolve=Lookups())
    neighbour, began = clinic.neighbour(), time.monotonic()
    try:
        for number in range(10):
            hook = store(clinic, f"https://h{number}.slow.example/")["id"]
            clinic.call("POST", f"/webhooks/{hook}/ping")
        refused = clinic.call("POST", "/webhooks", json={"url": "https://more.slow.example/"})
        assert refused.status_code == 409
        with delivering(clinic, pace=QUICK._replace(leave=0.1)):
            good = store(neighbour, f"http://good.example:{receiver.port}/")["id"]
            neighbour.call("POST", f"/webhooks/{good}/ping")
            receiver.wait(1)
            wait_for(lambda: look(neighbour, good)["waiting"] == 0)
        assert time.monotonic() - began < 5
    finally:
        ended.set()


ENDING = """
import asyncio, socket, time
from api.webhooks_addresses import Lookups
socket.getaddrinfo = lambda *_, **__: time.sleep(60)
async def look_up():
    async with asyncio.timeout(0.1):
        await Lookups()("slow.example", 443)
try:
    asyncio.run(look_up())
except TimeoutError:
    print("given up")
"""


def test_a_process_that_ends_waits_for_no_name() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=30, check=True
    )
    assert (done.stdout, done.stderr) == ("given up\n", "")


def test_of_many_names_that_are_slow_only_so_many_are_looked_up_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.webhooks_addresses.LOOKUPS", 2)
    under_way, most = list[str](), list[int]()

    def look_up(host: str, port: int, **_: object) -> list[Any]:
        under_way.append(host)
        most.append(len(under_way))
        time.sleep(0.02)
        under_way.remove(host)
        return [(0, 0, 0, "", (OPEN, port))]

    monkeypatch.setattr("api.webhooks_addresses.socket.getaddrinfo", look_up)

    async def look_up_all() -> list[Sequence[str]]:
        lookups = Lookups()
        return await asyncio.gather(*(lookups(f"{number}.example", 443) for number in range(9)))

    assert asyncio.run(look_up_all()) == [[OPEN]] * 9
    assert max(most) == 2


# The connection


def make_tls(folder: Path, name: str) -> ssl.SSLContext:
    """What a server needs that is called so; its certificate is written to a file, to be trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "trusted.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "trusted.pem", folder / "key.pem")
    return context


@pytest.mark.parametrize(
    ("name", "fault"), [("clinic.example", None), ("other.example", "insecure")]
)
def test_the_checked_address_is_connected_to_under_the_right_name_and_past_any_proxy(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, name: str, fault: Any
) -> None:
    """The receiver without TLS stands for a proxy of the environment."""
    tls, asked = make_tls(tmp_path, name), list[str]()
    tls.sni_callback = lambda _, host, __: asked.append(str(host))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{receiver.port}")
    names = Names(["127.0.0.2", "127.0.0.1"])  # nothing listens at the first
    storage = {"data_dir": tmp_path / "data", "webhook_networks": (LOOPBACK,)}
    clinic = Clinic(storage, resolve=names)
    with closing(Receiver(tls=tls)) as safe, delivering(clinic, resolve=names):
        hook = store(clinic, f"https://clinic.example:{safe.port}/psoas?of=clinic")
        clinic.call("POST", f"/webhooks/{hook['id']}/ping")
        wait_for(lambda: look(clinic, hook["id"])["last_delivery"])
    last = look(clinic, hook["id"])["last_delivery"]
    assert last["fault"] == fault
    assert receiver.received == []
    assert asked == ["clinic.example"]
    if fault is None:
        (one,) = safe.received
        assert one.headers["host"] == f"clinic.example:{safe.port}"
        assert one.path == "/psoas?of=clinic"
        verify([hook["secret"]], one.headers, one.body, clinic.clock().timestamp())
        assert last["status"] == 204
    else:
        assert safe.received == []


def test_no_redirect_is_followed(tmp_path: Path, receiver: Receiver) -> None:
    clinic = Clinic({"data_dir": tmp_path, "webhook_networks": (LOOPBACK,)})
    with closing(Receiver()) as other, delivering(clinic):
        receiver.answer = answer_with(307, Location=other.address, Set_Cookie="a=1")
        hook = store(clinic, receiver.address)["id"]
        clinic.call("POST", f"/webhooks/{hook}/ping")
        wait_for(lambda: look(clinic, hook)["last_delivery"])
        assert look(clinic, hook)["last_delivery"]["status"] == 307
        assert look(clinic, hook)["last_delivery"]["state"] == "waiting"
        assert other.received == []
