"""The claims register on the page: every claim with a computed check, mining's included."""

from khazana.portal.formatting.languages import LANGUAGES
from khazana.portal.reserve.views_claims import checked
from khazana.reserve.claims.read import read_claims


def test_every_shipped_claim_is_checked():
    assert [row.claim.id for row in checked()] == [claim.id for claim in read_claims()]


def test_the_mining_room_judges_what_was_said_of_mining():
    by_id = {row.claim.id: row.check for row in checked()}
    said = by_id["sv_mined_474"]
    assert (said.kind, said.key) == ("mining", "does not fit")
    assert by_id["bt_gedu_rate"].key == "fits"
    assert not [row.claim.id for row in checked() if row.check.key == "not computed here"]


def test_the_page_shows_every_claim_in_every_language(published, client):
    for language in LANGUAGES:
        text = client.get(f"/{language}/claims/").content.decode()
        for row in checked():
            assert f'id="{row.claim.id}"' in text
