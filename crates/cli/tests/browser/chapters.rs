//! A chapter's page as somebody uses it beside a terminal: commands to copy, links to lines of code, contents.

use crate::in_browser;

#[test]
fn w6_each_command_is_copied_alone_and_without_its_comment() {
    in_browser(async |browser| {
        let tab = browser.open(&format!("{}/workshop/01-how-old", browser.workshop())).await;
        tab.until("there are buttons", "document.querySelectorAll('.line .copy').length > 8").await;
        let button = "pre .copy[aria-label^='copy feedlab run']";
        let copied = "window.copied === 'feedlab run scenarios/workshop/how-old.toml'";
        tab.js("navigator.clipboard.writeText = async (text) => { window.copied = text; }").await;
        tab.press(button).await;
        tab.until("it is copied", copied).await;
        tab.until("the button says so", &format!("document.querySelector(\"{button}\").textContent === 'copied'"))
            .await;
        // Over plain HTTP from another machine there is no such interface.
        tab.js("void Object.defineProperty(navigator, 'clipboard', { value: undefined })").await;
        tab.js("void (window.copied = document.addEventListener('copy', () => { window.copied = document.activeElement.value; }))")
            .await;
        tab.press(button).await;
        tab.until("it is copied without it", copied).await;
        tab.until("the focus is back", "document.activeElement.classList.contains('copy')").await;
        let comments = "[...document.querySelectorAll('.line')].filter((it) => /^# /.test(it.textContent))";
        assert_eq!(
            tab.js(&format!("{comments}.length > 1 && {comments}.every((it) => !it.querySelector('button'))")).await,
            true
        );
    });
}

#[test]
fn w6_what_to_look_for_opens_at_its_line_and_the_contents_lead_to_the_sections() {
    in_browser(async |browser| {
        let tab = browser.open(&format!("{}/workshop/01-how-old", browser.workshop())).await;
        tab.press(".contents a[href='#look']").await;
        tab.until("the section is there", "location.hash === '#look' && document.querySelector('h2:target')").await;
        tab.press("a[href*='short_polling.rs#L'] code").await;
        tab.until(
            "the line of the name",
            "document.querySelector('.listing span:target')?.textContent.includes('is_known')",
        )
        .await;
    });
}
