//! The steps of a case that do something on what is open: send, publish, keep, close, restart.

use std::time::Duration;

use feedlab_feed::clock;

use super::case::{CaseRun, Miss, Published};
use super::exchange::{Exchange, View, describe_frame};
use super::expecting::Look;
use super::observed;
use super::opening::place_names;
use crate::contract::template::from_hex;
use crate::contract::{Close, Endpoint, Step};
use crate::shell::{self, ShellError};
use crate::trace::What;
use crate::{frames, limits, publish};

impl CaseRun<'_, '_> {
    /// Sends bytes, and notes them.
    pub(super) async fn transmit(&mut self, index: usize, bytes: &[u8]) -> Result<(), Miss> {
        self.log.sent(index, bytes);
        self.write(index, bytes).await
    }

    /// Sends bytes that are already noted. A server that has closed is found by what is expected next: it may have
    /// answered before.
    async fn write(&mut self, index: usize, bytes: &[u8]) -> Result<(), Miss> {
        match self.exchanges[index].connection.send(bytes).await {
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => Err(Miss {
                expected: "a server that reads what is sent to it".to_owned(),
                came: format!("it read nothing for {}", humantime::format_duration(limits::SEND)),
                exchange: Some(index),
            }),
            _ => Ok(()),
        }
    }

    pub(super) async fn send_bytes(&mut self, on: &str, bytes: &str) -> Result<(), Miss> {
        for index in self.members(on) {
            let exchange = &self.exchanges[index];
            let url = self.context.target.endpoint(exchange.endpoint);
            let key = exchange.key.clone().unwrap_or_default();
            let bytes = self.fill(bytes, place_names(&url, &key))?;
            self.transmit(index, bytes.as_bytes()).await?;
        }
        Ok(())
    }

    /// Sends a frame, after the handshake is answered.
    pub(super) async fn send_frame(&mut self, step: &Step) -> Result<(), Miss> {
        let Step::Send { on, frame, payload, code, length, hex, fin, masked, reserved } = step else { return Ok(()) };
        let text = self.fill(payload, |_| None)?.into_bytes();
        let mut payload = hex.as_deref().and_then(from_hex).unwrap_or(text);
        if let Some(length) = length {
            payload = payload.iter().copied().cycle().take(length.of(self.size) as usize).collect();
        }
        if let Some(code) = code {
            payload.splice(0..0, code.to_be_bytes());
        }
        let (fin, is_masked) = (fin.unwrap_or(true), masked.unwrap_or(true));
        for index in self.members(on) {
            self.upgraded(index).await?;
            let mask = is_masked.then(frames::mask);
            let bytes = frames::encode(frame.0, &payload, fin, mask, reserved.unwrap_or(false));
            let shown = &payload[..payload.len().min(limits::TRACE_ENTRY)];
            let mut what = describe_frame(frame.0, fin, shown);
            for (is_so, word) in [(!is_masked, " (not masked)"), (*reserved == Some(true), " (with a reserved bit)")] {
                what.push_str(if is_so { word } else { "" });
            }
            self.log.note(Some(index), What::Sent(super::trace::text_of(what.as_bytes())));
            self.write(index, &bytes).await?;
        }
        Ok(())
    }

    /// Waits until a handshake is accepted.
    async fn upgraded(&self, index: usize) -> Result<(), Miss> {
        let met = self.wait(index, self.deadline(None), |view| match view.status() {
            Some(101) => Look::Met,
            Some(_) => Look::Never(view.status_text()),
            None => Look::NotYet("no response to the handshake".to_owned()),
        });
        met.await.map(|_| ()).map_err(|came| Miss { expected: "status 101".to_owned(), came, exchange: Some(index) })
    }

    /// Publishes the updates of a step, one after another.
    pub(super) async fn publish(&mut self, step: &Step) -> Result<(), Miss> {
        let Step::Publish { names, data, event_type, count, length } = step else { return Ok(()) };
        let count = count.map_or(1, |count| count.of(self.size));
        for name in names {
            for index in 1..=count {
                let shown = if count == 1 { name.clone() } else { format!("{name}.{index}") };
                let length = length.map(|length| length.of(self.size) as usize);
                self.publish_one(name, shown, data.as_deref(), event_type.as_deref(), length).await?;
            }
        }
        Ok(())
    }

    async fn publish_one(
        &mut self,
        name: &str,
        shown: String,
        data: Option<&str>,
        event_type: Option<&str>,
        length: Option<usize>,
    ) -> Result<(), Miss> {
        let number = self.context.tokens.next();
        let mut text = self.context.tokens.text(number);
        if let Some(missing) = length.and_then(|length| length.checked_sub(text.len() + 1)) {
            text = format!("{text} {}", "x".repeat(missing));
        }
        let data = self.fill(data.unwrap_or("$TEXT"), |name| (name == "TEXT").then(|| text.clone()))?;
        let at = self.log.now();
        let entry = What::Published(super::trace::text_of(format!("{shown}: {data:?}").as_bytes()));
        self.log.note_at(at, None, entry);
        self.texts.entry(name.to_owned()).or_insert_with(|| text.clone());
        self.published.entry(name.to_owned()).or_default().push(self.updates.len());
        let update = publish::Update { data: &data, event_type };
        let published = self.context.publisher.publish(self.context.target, update, self.context.patience).await;
        self.updates.push(Published { name: shown.clone(), number, text, data, at });
        published.map_err(|error| Miss::new(format!("update {shown} is published"), error.to_string()))
    }

    /// Keeps something of an exchange, as soon as it is there.
    pub(super) async fn keep(&mut self, of: &str, what: &str, name: &str) -> Result<(), Miss> {
        let Some(&index) = self.members(of).first() else { return Ok(()) };
        let exchange = &self.exchanges[index];
        let mut kept = None;
        let found = self.wait(index, self.deadline(None), |view| {
            let (value, is_final) = match what.strip_prefix("header ") {
                Some(field) => (header(view, field), view.response.head.is_some()),
                None => (self.cursor(exchange, view), view.is_over()),
            };
            match value {
                Ok(value) => {
                    kept = Some(value);
                    Look::Met
                }
                Err(came) if is_final => Look::Never(came),
                Err(came) => Look::NotYet(came),
            }
        });
        let expected = match what.strip_prefix("header ") {
            Some(field) => format!("a field {field}"),
            None => "a cursor to continue from".to_owned(),
        };
        found.await.map_err(|came| Miss { expected, came, exchange: Some(index) })?;
        self.texts.extend(kept.map(|kept| (name.to_owned(), kept)));
        Ok(())
    }

    /// The cursor of a client on an exchange: of a poll, after the whole answer.
    fn cursor(&self, exchange: &Exchange, view: &View) -> Result<String, String> {
        if exchange.is_stream() || view.is_over() {
            observed::cursor(self.context.target, exchange, view)
        } else {
            Err(view.status_text())
        }
    }

    /// Reads on an exchange, or no longer.
    pub(super) fn read(&mut self, on: &str, reads: bool) -> Result<(), Miss> {
        for index in self.members(on) {
            let connection = &self.exchanges[index].connection;
            if reads {
                connection.resume();
            } else {
                connection.pause();
            }
            self.log.note(Some(index), What::Did(if reads { "reads again" } else { "stops reading" }.to_owned()));
        }
        Ok(())
    }

    pub(super) async fn close(&mut self, on: &str, how: Close) -> Result<(), Miss> {
        let what = match how {
            Close::Fin => "closes the connection",
            Close::Reset => "resets the connection",
            Close::Half => "closes its sending side",
        };
        for index in self.members(on) {
            self.log.note(Some(index), What::Did(what.to_owned()));
            self.exchanges[index].connection.close(how).await;
        }
        Ok(())
    }

    /// Runs the user's command, and waits until the server accepts connections.
    pub(super) async fn restart(&mut self) -> Result<(), Miss> {
        let Some(command) = self.context.restart else {
            return Err(Miss::new(
                "a restart of the server",
                "there is no command for it: specify one with --restart-command",
            ));
        };
        self.context.progress.waiting("restarting the server", limits::RESTART);
        self.log.note(None, What::Did("restarts the server".to_owned()));
        let deadline = clock::now() + limits::RESTART;
        let failed = |came: String| Miss::new("a restart of the server", came);
        if let Err(error) = shell::restart(command).await {
            let remedy = if matches!(error, ShellError::TooLong(_)) {
                "end it with `&` if it keeps running"
            } else {
                "try it by hand"
            };
            let what = format!("the command of --restart-command {error}: {remedy}");
            *self.context.broken = Some(what.clone());
            return Err(failed(what));
        }
        let url = self.context.target.endpoint(Endpoint::Sse);
        while let Err(error) = self.context.target.open(&url, self.context.patience, self.began).await {
            if clock::now() >= deadline {
                return Err(failed(format!("after the command of --restart-command, {error}")));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

/// The value of a header field.
fn header(view: &View, field: &str) -> Result<String, String> {
    let value = view.response.head.as_ref().and_then(|head| head.first(field));
    value.map(str::to_owned).ok_or_else(|| format!("no {field} ({})", view.status_text()))
}
