//! Instructions to audit and record an update, as for every update of every client. `scripts/check-instructions` runs
//! it; `record.rs` has the same in time.

use std::hint::black_box;

use feedlab_feed::wire::Stamp;
use feedlab_loadgen::audit::Audit;
use feedlab_loadgen::recorder::{Arrival, Recorder, Window};
use feedlab_testkit::instructions;

fn main() -> std::io::Result<()> {
    instructions::main(&[("record an update", || Box::new(record()))])
}

fn record() -> impl FnMut() {
    let mut recorder = Recorder::new();
    recorder.measure(Window { start_us: 0, end_us: 1 << 50 });
    let mut clients = vec![Audit::default(); 250];
    let mut turn = 0_u64;
    move || {
        turn += 1;
        let (client, seq) = (turn as usize % clients.len(), turn / clients.len() as u64);
        let finding = clients[client].see(seq);
        // Ages from 100 µs to 4 s, so that the histogram is touched in many places.
        let age = 100 + turn.wrapping_mul(2_654_435_761) % 4_000_000;
        let (stamp, received_at_us) = (Stamp { epoch: None, seq, at: turn }, turn + age);
        recorder.update(black_box(Arrival { finding, stamp, since_us: turn, received_at_us, replayed: false }));
    }
}
