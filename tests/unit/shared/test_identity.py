from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.request_limits import TOKEN_LETTERS_MAX
from openoutcry.wire.types import BANK, ISSUER
from shared.entitlement import covers
from shared.identity import Authenticator, Identity, mint_token
from shared.key_ring import KeyRing, KeysAwaited
from shared.token_claims import ANYBODY, LISTED_LETTERS_MAX, LISTED_MAX, NO_NAMES, Audience, AuthenticationFailed
from shared.token_keys import checked_secret, read_jwks, shared_key

SECRET = b"s" * 32
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
JWKS = {
    "keys": [
        RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True) | {"kid": "r", "use": "sig", "alg": "RS256"},
        ECAlgorithm.to_jwk(EC.public_key(), as_dict=True) | {"kid": "e"},
        OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True) | {"kid": "d"},
    ]
}
PRIVATE: dict[str, tuple[str, Any]] = {"RS256": ("r", RSA), "ES256": ("e", EC), "EdDSA": ("d", ED)}
NOW = 1000.0
WRONG_LISTS: list[Any] = ["trader", 7, None, True, {"trader": 1}, [7], ["a", None], [["a"]], [""], ["a\n"], ["\ud800"]]
WRONG_LISTS += [["a" * (LISTED_LETTERS_MAX + 1)], ["a"] * (LISTED_MAX + 1)]
GOOD = {"sub": "ann", "exp": 1060}


def provider(audience: Audience = ANYBODY) -> Authenticator:
    return Authenticator(KeyRing(read_jwks(json.dumps(JWKS).encode())), audience)


def house(audience: Audience = ANYBODY) -> Authenticator:
    return Authenticator(KeyRing(shared_key(SECRET)), audience)


def signed(claims: dict[str, Any] | bytes, header: dict[str, Any] | None = None) -> str:
    """Sign any bytes by HS256: what the library would refuse to mint."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jwt.PyJWS().encode(payload, SECRET, algorithm="HS256", headers=header)


def refusal(token: str, who: Authenticator | None = None, now: float = NOW) -> AuthenticationFailed:
    with pytest.raises(AuthenticationFailed) as failure:
        (who or house()).verify(token, now)
    return failure.value


def test_a_minted_token_names_its_user() -> None:
    assert house().verify(mint_token("ann@example.com", SECRET, 1000), 999).user == "ann@example.com"


def test_an_expired_token_says_so() -> None:
    """The client must get another one before it returns: a close code of its own."""
    failure = refusal(mint_token("ann", SECRET, 1000), now=1005)
    assert "expired" in failure.text
    assert failure.close_code is CloseCode.TOKEN_EXPIRED


def test_clocks_may_differ_by_five_seconds() -> None:
    for name in ("iat", "nbf"):
        assert house().verify(signed(GOOD | {name: 1005}), NOW).user == "ann"
        failure = refusal(signed(GOOD | {name: 1006}))
        assert f"{name}: " in failure.text
        assert "6 s ahead" in failure.text
        assert failure.close_code is CloseCode.NOT_AUTHENTICATED


def test_a_session_ends_at_exp_and_one_that_begins_later_with_the_leeway() -> None:
    token = mint_token("ann", SECRET, 1000)
    assert house().verify(token, 999.9) == Identity("ann", expires_at=1000.0)
    assert house().verify(token, 1000.0) == Identity("ann", expires_at=1005.0)
    assert house().verify(token, 1004.9) == Identity("ann", expires_at=1005.0)


@pytest.mark.parametrize(
    ("claims", "named"),
    [
        ({"exp": 1060}, "sub"),
        *(({"sub": sub, "exp": 1060}, "sub") for sub in ("", "no spaces", "a" * 65, "ann\n", 7, None, ["ann"], True)),
        ({"sub": "ann"}, "exp"),
        *(({"sub": "ann", "exp": exp}, "exp") for exp in ("soon", "1060", None, True, 1060.5, -1, 2**53, [1060], {})),
        *((GOOD | {name: value}, name) for name in ("iat", "nbf") for value in ("1", True, 0.5, None, -1, 2**60)),
        *((GOOD | {"aud": aud}, "aud") for aud in (7, "", [], [7], ["a", None], {"a": 1}, "a" * 513, ["a"] * 65)),
        *((GOOD | {"iss": iss}, "iss") for iss in (7, "", None, ["a"], "a" * 513)),
        *((GOOD | {name: value}, name) for name in ("roles", "groups") for value in (*WRONG_LISTS,)),
    ],
)
def test_the_claims_own_form_is_checked(claims: dict[str, Any], named: str) -> None:
    failure = refusal(signed(claims), house(Audience(("a",))))
    assert f"{named}: " in failure.text
    assert failure.close_code is CloseCode.NOT_AUTHENTICATED


def test_a_token_names_roles_and_groups() -> None:
    """Each once, whatever the number of times it stands there; without the claim there are none."""
    claims = GOOD | {"roles": ["trader", "Head of desk", "trader"], "groups": ["/desks/köln"]}
    identity = house().verify(signed(claims), NOW)
    assert identity == ("ann", {"trader", "Head of desk"}, {"/desks/köln"}, 1060.0, True, ())
    assert house().verify(signed(GOOD), NOW) == house().verify(signed(GOOD | {"groups": []}), NOW)
    assert house().verify(signed(GOOD | {"roles": []}), NOW).names_roles
    identity = house().verify(signed(GOOD), NOW)
    assert identity.roles is identity.groups is NO_NAMES, "no memory for what most tokens lack"


def test_a_token_entitles_to_instruments() -> None:
    """Without the claim to all, with an empty one to none."""
    identity = house().verify(signed(GOOD | {"instruments": ["IDEA-*", "ACME", "ACME"]}), NOW)
    assert identity.instruments == ("ACME", "IDEA-*")
    assert [covers(identity.instruments, symbol) for symbol in ("ACME", "IDEA-7", "ACME-C", "IDEA")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert covers(house().verify(signed(GOOD), NOW).instruments, "ACME")
    assert not covers(house().verify(signed(GOOD | {"instruments": []}), NOW).instruments, "ACME")
    with pytest.raises(AuthenticationFailed, match="instruments: must be a list of at most 256 texts"):
        house().verify(signed(GOOD | {"instruments": "ACME"}), NOW)


def test_roles_and_groups_are_taken_up_to_their_limits() -> None:
    most = [f"{number:0{LISTED_LETTERS_MAX}}" for number in range(20)]
    assert house().verify(signed(GOOD | {"groups": most}), NOW).groups == set(most)
    assert len(house().verify(signed(GOOD | {"roles": [str(n) for n in range(LISTED_MAX)]}), NOW).roles) == LISTED_MAX


def test_a_list_of_another_form_is_refused_by_name_rule_and_limit() -> None:
    failure = refusal(signed(GOOD | {"roles": "trader", "groups": ["a" * 257]}))
    rule = "must be a list of at most 256 texts, each of 1 to 256 printable letters"
    assert failure.text == f"token: roles: {rule}; groups: {rule}"


@pytest.mark.parametrize(
    "payload",
    [
        b'{"sub":"ann","exp":1060,"sub":"bob"}',
        b'{"sub":"ann","exp":1060,"exp":9999}',
        b'{"sub":"ann","exp":1060,"x":{"a":1,"a":2}}',
        b'{"sub":"ann","exp":NaN}',
        b'{"sub":"ann","exp":Infinity}',
        b'{"sub":"ann","exp":1e999}',
        b'{"sub":"ann","exp":' + b"1" * 5000 + b"}",
        b'{"sub":"ann","exp":' + b"1" * 400 + b"}",
        b'{"sub":"ann","exp":1060,"nbf":-' + b"1" * 400 + b"}",
        b'["ann"]',
        b"7",
        b"",
        b"\xff\xfe",
        b"[" * 3000,
        b'{"sub":"\xff","exp":1060}',
        '{"sub": "ann", "exp": 2000}'.encode("utf-16"),
        b"\xef\xbb\xbf" + b'{"sub": "ann", "exp": 2000}',
    ],
)
def test_a_payload_that_is_no_plain_object_is_refused(payload: bytes) -> None:
    """Whatever is signed: a claim twice, numbers that are none, no JSON at all, or nested without end."""
    assert refusal(signed(payload)).close_code is CloseCode.NOT_AUTHENTICATED


def test_a_whole_float_is_a_time() -> None:
    """Some languages know no other numbers."""
    assert house().verify(signed(b'{"sub":"ann","exp":1060.0,"iat":1e3}'), NOW) == Identity("ann", expires_at=1060.0)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "rubbish",
        "a.b",
        "a.b.c",
        "....",
        "a.b.c.d",
        "é.b.c",
        "a b.c.d",
        "e30.e30.e30",
        mint_token("ann", b"x" * 32, 1060),
    ],
)
def test_refuses_what_names_nobody(token: str) -> None:
    assert refusal(token).close_code is CloseCode.NOT_AUTHENTICATED


@pytest.mark.parametrize("name", [BANK, ISSUER, "~", "~ann", "ann~"])
def test_no_user_has_a_name_like_the_exchanges_own_accounts(name: str) -> None:
    """Whoever signs as `~bank` would hear its transfers, and trade with money that is not there."""
    assert refusal(signed({"sub": name, "exp": 1060})).close_code is CloseCode.NOT_AUTHENTICATED
    with pytest.raises(ConfigurationError, match="user must be"):
        mint_token(name, SECRET, 1000)


def test_a_token_has_a_length() -> None:
    failure = refusal("a" * (TOKEN_LETTERS_MAX + 1))
    assert f"{TOKEN_LETTERS_MAX} at most" in failure.text


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": ["ж" * 60], "ж" * 60: 1},
        {"crit": []},
        {"crit": "exp"},
        {"kid": 7},
        {"kid": "k" * 257},
        {"kid": ["a"]},
        {"b64": False},
        {"alg": ["HS256"]},
        {"alg": None},
        {"alg": {"HS256": 1}},
        {"alg": "hs256"},
        {"alg": "HS512"},
    ],
)
def test_a_header_that_asks_for_more_is_refused_in_our_own_words(header: dict[str, Any]) -> None:
    """The library's words repeat the token's; they came back as a close reason longer than a close frame holds."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256"} | header).encode()).rstrip(b"=").decode()
    _, payload, signature = mint_token("ann", SECRET, 1060).split(".")
    failure = refusal(f"{head}.{payload}.{signature}")
    assert failure.text.isascii()
    assert len(failure.text) <= 120


def test_a_name_twice_in_the_header_is_refused() -> None:
    head = base64.urlsafe_b64encode(b'{"alg":"none","alg":"HS256"}').rstrip(b"=").decode()
    _, payload, signature = mint_token("ann", SECRET, 1060).split(".")
    assert "twice" in refusal(f"{head}.{payload}.{signature}").text


def test_an_audience_must_be_ours() -> None:
    ours = house(Audience(("market", "exchange")))
    for aud in ("market", ["other", "exchange"]):
        assert ours.verify(signed(GOOD | {"aud": aud}), NOW).user == "ann"
    for wrong in ({}, {"aud": "other"}, {"aud": ["other", "Market"]}):
        assert "aud: must be market or exchange" in refusal(signed(GOOD | wrong), ours).text


def test_without_an_audience_a_token_for_somebody_is_for_somebody_else() -> None:
    """RFC 7519, 4.1.3; and the operator hears which setting says who we are."""
    assert "TOKEN_AUDIENCE" in refusal(signed(GOOD | {"aud": "market"})).text


def test_an_issuer_must_be_the_one_named() -> None:
    ours = house(Audience((), "https://idp.example.com/realms/x"))
    assert ours.verify(signed(GOOD | {"iss": "https://idp.example.com/realms/x"}), NOW).user == "ann"
    for wrong in ({}, {"iss": "https://idp.example.com/realms/x/"}):
        assert "iss: must be" in refusal(signed(GOOD | wrong), ours).text
    assert house().verify(signed(GOOD | {"iss": "anybody"}), NOW).user == "ann"


def test_a_minted_token_is_for_its_audience() -> None:
    audience = Audience(("market",), "us")
    assert house(audience).verify(mint_token("ann", SECRET, 1060, audience), NOW).user == "ann"


@pytest.mark.parametrize("algorithm", PRIVATE)
def test_the_identity_providers_keys_sign(algorithm: str) -> None:
    kid, key = PRIVATE[algorithm]
    token = jwt.encode(GOOD, key, algorithm=algorithm, headers={"kid": kid})
    assert provider().verify(token, NOW) == Identity("ann", expires_at=1060.0)
    without_kid = jwt.encode(GOOD, key, algorithm=algorithm)
    assert provider().verify(without_kid, NOW).user == "ann"


def test_a_key_signs_by_its_own_algorithm_alone() -> None:
    """A public key is no secret: a token that is signed with its bytes by HS256 must name nobody."""
    public = JWKS["keys"][0]["n"].encode()
    tokens = [
        jwt.encode(GOOD, public, algorithm="HS256", headers={"kid": "r"}),
        jwt.encode(GOOD, SECRET, algorithm="HS256"),
        jwt.encode(GOOD, "", algorithm="none", headers={"kid": "r"}),
        jwt.encode(GOOD, RSA, algorithm="RS512", headers={"kid": "r"}),
        jwt.encode(GOOD, RSA, algorithm="PS256", headers={"kid": "r"}),
    ]
    for token in tokens:
        assert "alg must be" in refusal(token, provider()).text
    assert "alg must be HS256" in refusal(jwt.encode(GOOD, RSA, algorithm="RS256", headers={"kid": "r"})).text


def test_a_token_that_brings_its_key_is_checked_with_ours() -> None:
    theirs = RSAAlgorithm.to_jwk(OTHER_RSA.public_key(), as_dict=True)
    url = "https://evil.example/keys"
    for brought in ({"jwk": theirs}, {"jku": url}, {"x5u": url}, {"x5c": ["AA"]}):
        token = jwt.encode(GOOD, OTHER_RSA, algorithm="RS256", headers={"kid": "r", **brought})
        assert refusal(token, provider()).text == "token: the signature is wrong"
        good = jwt.encode(GOOD, RSA, algorithm="RS256", headers={"kid": "r", **brought})
        assert provider().verify(good, NOW).user == "ann"


def test_a_key_that_is_not_known_is_awaited_and_then_refused() -> None:
    who = provider()
    token = jwt.encode(GOOD, OTHER_RSA, algorithm="RS256", headers={"kid": "new"})
    with pytest.raises(KeysAwaited):
        who.verify(token, NOW)
    who.ring.began(0.0)
    who.ring.replace(read_jwks(json.dumps(JWKS).encode()), 0.0)
    assert "does not publish" in refusal(token, who).text


def test_refuses_a_short_secret() -> None:
    with pytest.raises(ConfigurationError, match="has 5 bytes and needs 32"):
        checked_secret(b" short \n")


def test_refuses_a_public_key_as_a_secret() -> None:
    """Everybody has it: whoever took it for HS256's key would let everybody in."""
    with pytest.raises(ConfigurationError, match="PEM"):
        checked_secret(b"-----BEGIN PUBLIC KEY-----\n" + b"x" * 64)


def test_mints_no_token_for_a_name_that_no_gateway_takes() -> None:
    with pytest.raises(ConfigurationError, match="user must be"):
        mint_token("no spaces", SECRET, 1000)
