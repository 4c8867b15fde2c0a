"""Sound and notifications of the browser: chosen by the volunteer, calm, and without a word of what anybody wrote."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.web.browsers import IN_DANGER, NEEDS_CHROMIUM, house, on_duty, say

pytestmark = NEEDS_CHROMIUM

LISTENING = """
window.told = []; window.rung = 0; window.looksAway = false;
Object.defineProperty(document, 'visibilityState', {get: () => window.looksAway ? 'hidden' : 'visible'});
window.Notification = class {
  static permission = 'granted';
  static async requestPermission() { return window.refuses ? 'denied' : 'granted'; }
  constructor(title, options) { window.told.push([title, options.body]); }
  addEventListener() {}
};
const Real = window.AudioContext;
window.AudioContext = class extends Real { constructor() { super(); window.rung += 1; } };
"""


async def look_away(page: Page) -> None:
    """Another tab is in front."""
    await page.evaluate("window.looksAway = true")


async def told(page: Page) -> list[list[str]]:
    """Every notification so far."""
    found: list[list[str]] = await page.evaluate("window.told")
    return found


async def test_who_asked_for_it_is_notified_without_a_word_of_content(sqlite_url: str) -> None:
    """“1 person waiting, imminent, fr”: never a word, and nothing at all while the page is looked at or not asked for."""
    async with house(sqlite_url) as here:
        sam, lina = await here.volunteer(1, script=LISTENING), await here.volunteer(2, script=LISTENING)
        await on_duty(sam)
        await look_away(lina)
        await sam.get_by_role("button", name="Activer les notifications").click()
        await expect(sam.get_by_role("button", name="Notifications activées")).to_be_visible()
        await say(await here.teen(), IN_DANGER)
        await expect(sam.locator("#queue .card")).to_have_count(1)
        seen = await told(sam)
        await look_away(sam)
        await say(await here.teen(), "je pense au suicide, je veux parler à quelqu'un")
        await expect(sam.locator("#queue .card")).to_have_count(2)
        away = await told(sam)
        await sam.reload()
        await expect(sam.get_by_role("button", name="Notifications activées")).to_be_visible()
        not_asked = await told(lina)

    assert [] == seen
    assert [["Relais", "2 personnes attendent, imminent, fr"]] == away
    assert [] == not_asked


async def test_an_answer_in_a_conversation_of_mine_is_told_and_counted(sqlite_url: str) -> None:
    """A volunteer who looked away learns that somebody answered; the list says how many messages are new."""
    async with house(sqlite_url) as here:
        sam, teen = await here.volunteer(1, script=LISTENING), await here.teen()
        await on_duty(sam)
        await sam.get_by_role("button", name="Activer les notifications").click()
        await say(teen, IN_DANGER)
        await sam.locator("#queue .acts button").first.click()
        await expect(sam.locator("article.talk")).to_be_visible()
        await look_away(sam)
        await say(teen, "dans ma chambre")
        await expect(sam.locator(".mine .fresh")).to_have_text("1 nouveau")
        away = await told(sam)

    assert [["Relais", "Une réponse t'attend"]] == away


async def test_a_browser_that_refuses_is_said_to_refuse(sqlite_url: str) -> None:
    """Nobody believes to be notified who is not."""
    async with house(sqlite_url) as here:
        sam = await here.volunteer(1, script=LISTENING)
        await sam.evaluate("window.refuses = true")
        await sam.get_by_role("button", name="Activer les notifications").click()

        await expect(sam.locator(".denied")).to_be_visible()
        await expect(sam.get_by_role("button", name="Activer les notifications")).to_be_visible()


async def test_the_sound_is_for_immediate_danger_once_and_can_be_muted_for_good(sqlite_url: str) -> None:
    """One calm tone for each person in immediate danger; who muted it hears none, on any device of theirs."""
    async with house(sqlite_url) as here:
        sam, lina = await here.volunteer(1, script=LISTENING), await here.volunteer(2, script=LISTENING)
        await on_duty(sam)
        await on_duty(lina)
        await lina.get_by_role("button", name="Son activé").click()
        await expect(lina.get_by_role("button", name="Son coupé")).to_be_visible()
        teen = await here.teen()
        await say(teen, IN_DANGER)
        await expect(sam.locator("#queue .card")).to_have_count(1)
        await say(teen, "répondez")
        await expect(lina.locator("#queue .card")).to_have_count(1)
        rung = [await page.evaluate("window.rung") for page in (sam, lina)]
        await lina.reload()

        await expect(lina.get_by_role("button", name="Son coupé")).to_be_visible()
        assert [1, 0] == rung
