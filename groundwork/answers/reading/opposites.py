"""Pairs of words that turn a statement into its contrary; questions without an answer are often made with them."""

from __future__ import annotations

from groundwork.answers.reading.terms import fold, stem

_PAIRS = """
able/unable accept/reject accept/refuse advance/retreat agree/disagree allow/forbid allow/prevent allow/prohibit
ally/enemy alive/dead always/never ancient/modern appear/disappear approve/reject arrive/depart ascend/descend
asymmetric/symmetric attack/defend attract/repel avoid/seek ban/allow begin/end begin/stop before/after best/worst
better/worse big/small birth/death bottom/top buy/sell cause/prevent cheap/expensive close/open close/far cold/hot
common/rare complete/incomplete connect/disconnect create/destroy dark/light decline/grow decrease/increase deep/shallow
defeat/victory demand/supply deny/admit different/same difficult/easy direct/indirect disable/enable dry/wet early/late
east/west eastern/western employ/unemploy empty/full encourage/discourage enter/leave exclude/include exist/lack
expand/contract expand/shrink export/import external/internal fail/succeed failure/success fast/slow female/male
few/many finish/start first/last fixed/variable forget/remember former/latter free/enslaved free/prohibited friend/enemy
gain/lose general/specific give/take good/bad good/evil good/poor guilty/innocent hard/easy hard/soft harm/benefit
hate/love heavy/light high/low highest/lowest higher/lower horizontal/vertical improve/worsen inner/outer inside/outside
join/leave keep/lose large/small larger/smaller largest/smallest latest/earliest lead/follow legal/illegal left/right
less/more least/most legitimate/illegitimate long/short longest/shortest loss/gain loss/profit loud/quiet major/minor
majority/minority man/woman maximum/minimum mandatory/optional mature/immature merge/split modern/traditional
natural/artificial near/far negative/positive new/old newest/oldest north/south northern/southern oppose/support
opponent/supporter ordered/disordered partial/total pass/fail past/future peace/war permanent/temporary
permit/forbid permit/prohibit pleasant/unpleasant plural/singular possible/impossible presence/absence present/absent
present/past primary/secondary private/public pro/anti promote/hinder pull/push quick/slow raise/lower regular/irregular
remain/leave remember/forget rich/poor rise/fall rural/urban safe/dangerous single/multiple single/double
slowest/fastest sole/joint static/dynamic strong/weak strongest/weakest sufficient/insufficient suppress/stimulate
tall/short thick/thin true/false unite/divide unity/division unlike/like upper/lower useful/useless usual/unusual
valid/invalid victory/defeat voluntary/involuntary weaken/strengthen wealthy/poor wide/narrow win/lose
with/without worst/best wrong/right young/old younger/older youngest/oldest catholic/protestant
accelerate/slow active/passive activate/inhibit activate/deactivate adaptive/innate acquired/innate absorb/emit
assemble/disassemble attach/detach available/unavailable bind/release bounded/unbounded centralized/decentralized
conservative/liberal conquer/surrender constant/changing deterministic/probabilistic discourage/promote
effective/ineffective equal/unequal finite/infinite formal/informal hire/fire identical/different
known/unknown limited/unlimited linear/nonlinear local/remote local/global lock/unlock manual/automatic odd/even
online/offline permanent/interim popular/unpopular praise/criticize preserve/destroy read/write reliable/unreliable
reveal/hide secure/insecure send/receive similar/different simple/complex soluble/insoluble stable/unstable
synchronous/asynchronous tolerant/intolerant trivial/nontrivial upload/download visible/invisible
"""


def _table() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _PAIRS.split():
        one, other = (stem(fold(word)) for word in pair.split("/"))
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {term: frozenset(others) for term, others in found.items()}


OPPOSITES = _table()
"""For a term, the terms of its contraries."""

_PREFIXES = ("un", "in", "im", "ir", "il", "non", "dis", "de", "anti", "mis")


def contrary(one: str, other: str) -> bool:
    """Whether two terms say the contrary: a known pair, or one is the other behind a negating prefix."""
    if other in OPPOSITES.get(one, ()):
        return True
    long, short = (one, other) if len(one) > len(other) else (other, one)
    return len(short) >= 4 and any(long == prefix + short for prefix in _PREFIXES)
