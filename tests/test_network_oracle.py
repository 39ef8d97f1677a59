"""network_parse() and network_has() agree with Python's ipaddress."""

import ipaddress
import random
import re
import subprocess

from server import BUILD

TEXT, BITS, HOST = -1, -2, -3
MAPPED = ipaddress.ip_network("::ffff:0:0/96")

# How we write a network; ipaddress also takes masks, and zeros in front.
FORM = re.compile(r"[0-9a-fA-F:.]+(/(0|[1-9][0-9]*))?\Z", re.ASCII)


def dump(lines):
    """What network-dump says of each line."""
    done = subprocess.run(
        [BUILD / "tests" / "network-dump"], check=True, encoding="ascii",
        input="".join(line + "\n" for line in lines), stdout=subprocess.PIPE)
    answers = done.stdout.splitlines()
    assert len(answers) == len(lines)
    return answers


def normal(network):
    """A network in ipaddress's terms, IPv4-mapped IPv6 as IPv4."""
    network = ipaddress.ip_network(network, strict=False)
    if network.version == 6 and network.subnet_of(MAPPED):
        network = ipaddress.ip_network(
            (int(network.network_address) & 0xffffffff,
             network.prefixlen - 96))
    return network


def expected(text):
    """The result, and the network that is set, or None."""
    if not FORM.match(text):
        return TEXT, None
    address, slash, bits = text.partition("/")
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return TEXT, None
    if slash and int(bits) > (32 if version == 4 else 128):
        return BITS, None
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return HOST, normal(text)
    return 0, normal(text)


def check(texts):
    """Each is as ipaddress has it, and what is written reads back."""
    for text, answer in zip(texts, dump(texts)):
        result, network = expected(text)
        got, written = answer.split(" ")
        assert int(got) == result, text
        assert (written == "-") == (network is None), text
        if network is not None:
            assert normal(written) == network, text
            assert ("/" in written) == (
                network.prefixlen < network.max_prefixlen), text


def random_address(rnd):
    """An address of either family, often with long runs of zeros or ones."""
    bits = rnd.choice([32, 128, 128])
    value = rnd.getrandbits(bits)
    if rnd.random() < 0.7:
        keep = rnd.randint(0, bits)
        value = value >> keep << keep
    if bits == 128 and rnd.random() < 0.2:
        value = 0xffff << 32 | value & 0xffffffff
    kind = ipaddress.IPv4Address if bits == 32 else ipaddress.IPv6Address
    address = kind(value)
    return rnd.choice([str(address), address.exploded,
                       address.exploded.upper()])


def random_network(rnd):
    """A good network, IPv4-mapped or not."""
    network = f"{random_address(rnd)}/{rnd.randint(0, 32)}"
    return ipaddress.ip_network(network, strict=False)


def test_good_networks():
    rnd = random.Random(1)
    texts = [random_address(rnd) for _ in range(5000)]
    texts += [f"{random_address(rnd)}/{rnd.randint(0, 135)}"
              for _ in range(20000)]
    check(texts)


def test_every_prefix_of_each_family():
    ones = {4: "255.255.255.255", 6: "ffff:" * 7 + "ffff"}
    zeros = {4: "0.0.0.0", 6: "::"}
    texts = [f"{address}/{bits}" for version in (4, 6)
             for address in (ones[version], zeros[version])
             for bits in range(140)]
    check(texts)


def test_texts_with_a_fault():
    """One byte is changed, put in or taken out."""
    rnd = random.Random(2)
    texts = []
    for _ in range(30000):
        text = f"{random_address(rnd)}/{rnd.randint(0, 40)}"
        at = rnd.randrange(len(text))
        cut = rnd.randint(0, 2)
        byte = rnd.choice(["", *"0123456789abcdefgx:./%-+*[]"])
        texts.append(text[:at] + byte + text[at + cut:])
    check([text for text in texts if text])


def test_membership():
    rnd = random.Random(3)
    pairs = []
    for _ in range(20000):
        network = random_network(rnd)
        if rnd.random() < 0.5:
            address = ipaddress.ip_address(random_address(rnd))
        else:
            # Inside, or next to it.
            first = int(network.network_address)
            value = first + rnd.choice(
                [0, -1, network.num_addresses - 1, network.num_addresses,
                 rnd.randrange(network.num_addresses)])
            value %= 1 << network.max_prefixlen
            address = type(network.network_address)(value)
        pairs.append((network, address))
    answers = dump([f"{network} {address}" for network, address in pairs])
    for (network, address), answer in zip(pairs, answers):
        network, single = normal(network), normal(address)
        inside = (single.version == network.version
                  and single.subnet_of(network))
        assert int(answer) == inside, (network, address)
