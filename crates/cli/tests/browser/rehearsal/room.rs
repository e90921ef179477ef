//! The room of a rehearsal: the projector's page, from which the instructor leads, and the learners' phones.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use serde_json::json;

use super::{Asked, LEARNERS};
use crate::session::Session;
use crate::tab::Tab;
use crate::{say, screen};

/// How long the whole class may take for one step. A measurement takes most of it.
const PATIENCE: Duration = Duration::from_secs(90);

/// What shows an answer on any page, whatever the question.
const ANSWERS: &str = "/right answer|measured: \\d|predicted by arithmetic|✓(?! Done)/";

pub(super) struct Room<'a> {
    browser: &'a Session,
    instructor: Tab,
    learners: Vec<Tab>,
    opened: Instant,
}

impl<'a> Room<'a> {
    /// Opens the class page on the projector.
    pub(super) async fn open(browser: &'a Session, address: &str) -> Self {
        let instructor = browser.apart().await;
        screen::window(&instructor, 1280, 720).await;
        instructor.goto(address).await;
        instructor.until("it leads", "!document.querySelector('#lead').hidden").await;
        instructor.press("#projector").await;
        instructor.driver().await.refresh().await.unwrap();
        let leads =
            "document.documentElement.hasAttribute('data-projector') && !document.querySelector('#lead').hidden";
        instructor.until("W4: a reload keeps the mode and leads", leads).await;
        assert_eq!(instructor.js("location.href.includes('token')").await, false, "nobody reads it from the projector");
        instructor.press("#next").await;
        Self { browser, instructor, learners: Vec::new(), opened: clock::now() }
    }

    /// Prints a line about what happened.
    pub(super) fn note(&self, what: &str) {
        say(&format!("rehearsal {:5.1} s: {what}", self.opened.elapsed().as_secs_f64()));
    }

    /// A learner opens the address on a phone and types a name.
    pub(super) async fn join(&mut self, address: &str, number: usize) {
        let learner = self.browser.apart().await;
        screen::phone(&learner, 844).await;
        learner.goto(address).await;
        if number == 1 {
            self.picture_of(&learner, "join", "phone").await;
        }
        let form = "document.querySelector('#enter')";
        let name = name(number);
        learner
            .js(&format!("(() => {{ {form}.elements.name.value = '{name}'; {form}.requestSubmit(); return true; }})()"))
            .await;
        let known = if number == 2 { "You are Ada (2)".to_owned() } else { format!("You are {name}") };
        learner.until("joined", &format!("document.querySelector('#you').innerText.startsWith('{known}')")).await;
        self.learners.push(learner);
    }

    pub(super) async fn until_joined(&self, count: usize) {
        let said = format!("document.querySelector('#people').innerText === '{count} joined'");
        self.until_projector("all joined", &said).await;
        self.note(&format!(
            "{count} phones have joined; two of their owners are called Ada, and the page of the second says so"
        ));
        self.picture_of(&self.instructor, "join", "projector").await;
    }

    /// The instructor opens the vote on a question.
    pub(super) async fn open_vote(&self, question: &Asked) {
        self.instructor
            .js(&format!("(() => {{ document.querySelector('#asked').value = '{}'; return true; }})()", question.id))
            .await;
        self.press("vote").await;
        let shown = format!(
            "document.querySelector('#text').innerText === document.querySelector('#asked').selectedOptions[0].text.split(': ').slice(1).join(': ')
            && ('{}' === 'replay-ten' || document.querySelectorAll('#choices li').length === 4)",
            question.id
        );
        self.until_projector("W4: the question and its choices are there before any vote", &shown).await;
        self.until_open().await;
        self.note(&format!("the vote on {} is open, on the projector and on every phone", question.id));
        self.picture(&format!("{}-1-question", question.id)).await;
    }

    /// The instructor presses a step.
    pub(super) async fn press(&self, step: &str) {
        let button = format!("#lead [data-step={step}]");
        self.instructor.press(&button).await;
        let is_pressed = format!("document.querySelector('{button}').getAttribute('aria-pressed') === 'true'");
        self.until_projector(step, &is_pressed).await;
    }

    /// Everybody votes for the first time, and somebody reloads.
    pub(super) async fn vote_first(&self, question: &Asked) {
        self.vote(0..LEARNERS).await;
        self.until_voted(LEARNERS).await;
        self.nobody_sees(question).await;
        self.note(&format!("{LEARNERS} of {LEARNERS} have voted; no page shows votes or an answer"));
        self.picture(&format!("{}-2-voted", question.id)).await;
        let learner = &self.learners[4];
        learner.driver().await.refresh().await.unwrap();
        let counts = "document.querySelector('#stage').innerText.includes('Your vote counts')";
        self.until(learner, "a reload leads back", counts).await;
        self.note("a learner reloads: the vote is still there");
    }

    /// The vote is open on every phone.
    async fn until_open(&self) {
        for learner in &self.learners {
            self.until(learner, "the vote is open", "document.querySelector('#stage form')").await;
        }
    }

    /// The instructor opens the second vote.
    pub(super) async fn again(&self, question: &Asked) {
        self.press("again").await;
        self.until_open().await;
        self.note("the second vote is open");
        self.picture(&format!("{}-4-again", question.id)).await;
    }

    /// Some learners vote, each their own way; one of them jokes.
    pub(super) async fn vote(&self, learners: Range<usize>) {
        for number in learners {
            let learner = &self.learners[number];
            let given = if number == 3 { "1e9".to_owned() } else { number.to_string() };
            learner.js(&format!(
                "(() => {{ const form = document.querySelector('#stage form'); const radios = form.querySelectorAll('[type=radio]');
                if (radios.length > 0) radios[{number} % radios.length].checked = true; else form.elements.answer.value = '{given}';
                form.requestSubmit(); return true; }})()"
            )).await;
        }
    }

    pub(super) async fn until_voted(&self, count: usize) {
        let said = format!("document.querySelector('#count').innerText === '{count} of {LEARNERS} have voted'");
        self.until_projector("all have voted", &said).await;
    }

    /// Waits until the pages of these learners say that their votes wait for the server.
    pub(super) async fn until_kept(&self, learners: Range<usize>) {
        for learner in &self.learners[learners] {
            self.until(
                learner,
                "the vote is kept",
                "document.querySelector('#stage').innerText.includes('is kept here')",
            )
            .await;
        }
        self.note("the other half votes again without a server, and their pages say that they keep the votes");
    }

    /// Everybody sees the distribution, on the projector and on their phones, and nobody the answer.
    pub(super) async fn discuss(&self, question: &Asked) {
        self.press("discuss").await;
        self.until_projector("the votes are drawn", "document.querySelector('#chart svg')").await;
        for learner in &self.learners {
            self.until(learner, "the votes are drawn", "document.querySelector('#stage svg')").await;
        }
        self.nobody_sees(question).await;
        self.note("discuss: every page shows the votes, and none the answer");
        self.picture(&format!("{}-3-discuss", question.id)).await;
    }

    async fn nobody_sees(&self, question: &Asked) {
        for page in self.learners.iter().chain([&self.instructor]) {
            let text = "document.querySelector('main').textContent";
            let seen = page.js(&format!("{ANSWERS}.test({text}) || {text}.includes('{}')", question.answer)).await;
            assert_eq!(seen, false, "W1: the answer shows early: {}", page.js("document.body.innerText").await);
        }
        assert_eq!(self.peek(question).await, json!(403), "W1: a learner guesses the address of the recorded run");
    }

    /// A learner asks for the recorded run's figures.
    async fn peek(&self, question: &Asked) -> serde_json::Value {
        let path = format!("/workshop/runs/recorded-{}/summary.json", question.recorded);
        self.learners[0].js(&format!("fetch('{path}').then((response) => response.status)")).await
    }

    /// The class measures, if it does, and then the instructor reveals the answer.
    pub(super) async fn reveal(&self, question: &Asked) {
        self.press("run").await;
        if question.is_measured {
            self.measure(question).await;
        }
        self.nobody_sees(question).await;
        self.note("measure: still no page shows the answer");
        self.press("reveal").await;
        let includes =
            |place: &str| format!("document.querySelector('{place}').innerText.includes('{}')", question.answer);
        for learner in &self.learners {
            self.until(learner, "the answer is shown", &includes("#stage")).await;
        }
        self.until_projector("the answer is shown", &includes("#known")).await;
        let link = self.instructor.js("document.querySelector('#known a') !== null").await;
        let (status, has_link) = if question.is_last_of_its_run { (200, true) } else { (403, false) };
        assert_eq!((self.peek(question).await, link), (json!(status), json!(has_link)), "W1: the report");
        let known = self.instructor.js("document.querySelector('#known').innerText.replaceAll('\\n', ' ')").await;
        self.note(&format!("reveal, on all {} pages: {}", LEARNERS + 1, known.as_str().unwrap()));
        self.picture(&format!("{}-6-reveal", question.id)).await;
    }

    /// A learner is stuck: the projector says how many are, and only the instructor sees who.
    pub(super) async fn signal(&self) {
        self.learners[5].press("[data-signal=stuck]").await;
        let said = |text: &str| format!("document.querySelector('#signals').innerText === '0 done, 1 stuck{text}'");
        self.until_projector("the projector counts", &said("")).await;
        self.instructor.press("#projector").await;
        self.until_projector("the instructor sees a name", &said(" (Learner 6)")).await;
        self.instructor.press("#projector").await;
        self.learners[5].press("[data-signal=stuck]").await;
        self.note("a learner signals that they are stuck; the projector shows how many are, and no name");
    }

    async fn measure(&self, question: &Asked) {
        self.instructor.press("#measure").await;
        self.until_projector("it measures", "!document.querySelector('#progress').hidden").await;
        self.note("the instructor measures");
        self.picture(&format!("{}-5-measure", question.id)).await;
        self.until_projector("it has measured", "document.querySelector('#progress').hidden").await;
        let said = self.instructor.js("document.querySelector('#count').innerText").await;
        self.note(&format!("the projector says: {}", said.as_str().unwrap()));
    }

    async fn until_projector(&self, what: &str, expression: &str) {
        self.until(&self.instructor, what, expression).await;
    }

    async fn until(&self, page: &Tab, what: &str, expression: &str) {
        page.within(PATIENCE, what, expression).await;
    }

    /// Takes pictures of the projector and of a phone.
    async fn picture(&self, name: &str) {
        self.picture_of(&self.instructor, name, "projector").await;
        self.picture_of(&self.learners[0], name, "phone").await;
    }

    /// Takes a picture for the review, if a folder is given.
    async fn picture_of(&self, page: &Tab, name: &str, kind: &str) {
        let Some(folder) = std::env::var_os("FEEDLAB_SCREENSHOTS") else { return };
        page.driver().await.screenshot(&Path::new(&folder).join(format!("{name}-{kind}.png"))).await.unwrap();
    }

    pub(super) async fn leave(self) {
        for tab in self.learners.into_iter().chain([self.instructor]) {
            tab.close().await;
        }
    }
}

/// The name that a learner types: two of them have the same.
fn name(number: usize) -> String {
    if number <= 2 { "Ada".to_owned() } else { format!("Learner {number}") }
}
