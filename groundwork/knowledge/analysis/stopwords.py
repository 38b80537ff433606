"""Words so common that they say nothing, and the small words that tell other languages from English."""

from __future__ import annotations

_ENGLISH = """
    a about all also am an and any are as at be been being both but by can could did do does each either for
    from had has have he her hers him his how i if in into is it its just many may me might more most much
    must my neither no nor not of off on only or other our ours out own shall she should so some such than
    that the their theirs them then there these they this those to too under upon us very was we were what
    when where whether which while who whom whose why will with would you your yours
    s t ll ve re don doesn didn isn aren wasn weren hasn haven couldn wouldn shouldn
"""
_OTHER_LATIN = """
    der das und ist nicht mit von für auf dem eine einer einem einen wie wer welche welcher welches wann wurde
    wird werden sind sich auch bei nach zur zum über haben hat oder durch warum wo
    el los las una del que qué en es son por para con cuál cuáles cuándo dónde quién cómo fue se su sus al más
    le les des du et est une dans pour par sur qui quel quelle quels où quand avec sont aux ce cette ne pas
    il di che è della dei nel sono quale quali dove quando chi anche alla
    um uma da dos das em são qual quais quem onde foi não mais ao
    het een van voor zijn wat welke wie waar wanneer niet ook naar bij
    och att det som på är av för med ett vad vilken hur når hvad hvor og ikke af
    się na jest nie jaki jaka jakie który która kto gdzie ile czy bir ve bu hangi nedir için
"""
ENGLISH = frozenset(_ENGLISH.split())
OTHER_LATIN = frozenset(_OTHER_LATIN.split()) - ENGLISH
"""Of German, Spanish, French, Italian, Portuguese, Dutch, Scandinavian, Polish and Turkish."""
