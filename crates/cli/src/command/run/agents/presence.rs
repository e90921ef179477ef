//! How agents find a run at its broker: the run reserves its name, and while it holds it sends heartbeats and answers
//! time queries.

use std::time::Duration;

use anyhow::Context as _;
use feedlab_feed::clock;
use feedlab_feed::process::boot_id;
use feedlab_nats::{Name, Room, Store};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use crate::agents::{AGENTS, BEAT, CLOCK, Call, RUN, Time, written};
use crate::exit::bad_input;

/// Pause before checking again whether the run that holds the name answers.
const PAUSE: Duration = Duration::from_millis(500);

/// Reserves a name for this run. Fails if another run holds the name and still answers.
pub(super) async fn take_name(room: &Room, id: &str, name: &Name) -> anyhow::Result<Store> {
    const TRIES: u32 = 3;
    if let Some(store) = room.take(id).await? {
        return Ok(store);
    }
    for _ in 0..TRIES {
        if room.ask(RUN, Vec::new()).await.is_ok() {
            return Err(bad_input(anyhow::anyhow!(
                "a run named {name} is in progress at this broker: wait until it ends, or give this run and its agents another name \
                 with --as"
            )));
        }
        sleep(PAUSE).await;
    }
    // The other run's process is gone and did not release the name.
    room.leave().await?;
    room.take(id).await?.with_context(|| format!("another run took the name {name}"))
}

/// Sends heartbeats to the agents, and answers their queries for the run's presence and time.
pub(super) async fn beat(room: &Room, id: &str) -> anyhow::Result<JoinSet<()>> {
    let (mut asked, mut asked_time) = (room.listen(RUN).await?, room.listen(CLOCK).await?);
    let machine = boot_id();
    let (room, beat) = (room.clone(), written(&Call::Beat { run: id.to_owned() }));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut tick = interval(BEAT);
        loop {
            tokio::select! {
                _ = tick.tick() => drop(room.say(AGENTS, beat.clone()).await),
                letter = asked.next(&room) => match letter {
                    Some(letter) => drop(letter.answer(beat.clone()).await),
                    None => return,
                },
                letter = asked_time.next(&room) => match letter {
                    Some(letter) => {
                        let (received, machine) = (clock::unix_us(), machine.clone());
                        drop(letter.answer(written(&Time { machine, received, answered: clock::unix_us() })).await);
                    }
                    None => return,
                },
            }
        }
    });
    Ok(tasks)
}
