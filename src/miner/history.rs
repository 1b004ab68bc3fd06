//! The last hour of a miner in a ring of fixed size: hash rate and temperature, a step every 40 s.
//!
//! It is what the status page draws and no more; Prometheus keeps history. Polls within one step are averaged, steps
//! without a poll stay empty. A ring takes 720 bytes, so a thousand miners cost less than one page of theirs.

use std::time::Duration;

/// Steps of a ring: as many as a small curve can show.
const STEPS: usize = 90;

/// Time of a step; 90 of them are the hour.
const STEP: Duration = Duration::from_secs(40);

/// What was seen in one step: the hash rate in TH/s, and the hottest chip in °C.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    /// Hash rate, none while the miner is down.
    pub terahashes: Option<f32>,
    /// Temperature of the hottest chip, none while it is down or does not work.
    pub celsius: Option<f32>,
}

/// The same as it is kept: NaN for none takes half the memory of an `Option`, and 1,000 miners have a ring each.
#[derive(Clone, Copy, Debug)]
struct Packed([f32; 2]);

impl From<Moment> for Packed {
    fn from(moment: Moment) -> Self {
        Packed([moment.terahashes, moment.celsius].map(|value| value.unwrap_or(f32::NAN)))
    }
}

impl From<Packed> for Moment {
    fn from(Packed(values): Packed) -> Self {
        let [terahashes, celsius] = values.map(|value| value.is_finite().then_some(value));
        Moment { terahashes, celsius }
    }
}

/// The ring. It takes no memory before its first poll.
#[derive(Clone, Debug, Default)]
pub struct History {
    ring: Box<[Packed]>,
    newest: usize,
    /// Polls in the newest step.
    polls: u16,
}

impl History {
    /// Takes in a poll at this time since the exporter's start: TH/s and °C, none of a miner that is down.
    ///
    /// Where polls are further apart than steps, but not further than `gap_max`, the steps between them repeat the last.
    pub fn note(&mut self, at: Duration, gap_max: Duration, terahashes: Option<f64>, celsius: Option<f64>) {
        let step = step_of(at);
        if self.ring.is_empty() {
            self.ring = Box::new([Packed::from(Moment::default()); STEPS]);
            self.newest = step;
        }
        if step > self.newest {
            let is_bridge = terahashes.is_some() && step - self.newest <= step_of(gap_max);
            let between = if is_bridge { self.at(self.newest) } else { Moment::default() };
            for skipped in (self.newest + 1..step).take(STEPS) {
                self.put(skipped, between);
            }
            self.put(step, Moment::default());
            (self.newest, self.polls) = (step, 0);
        }
        self.polls = self.polls.saturating_add(1);
        let before = self.at(self.newest);
        self.put(
            self.newest,
            Moment {
                terahashes: self.mean(before.terahashes, terahashes),
                celsius: self.mean(before.celsius, celsius),
            },
        );
    }

    /// The mean of the newest step's polls, of which `value` is the last.
    fn mean(&self, before: Option<f32>, value: Option<f64>) -> Option<f32> {
        // A curve of a hundred pixels needs no more than the seven digits of an f32.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "see above; what is too large becomes infinite, which is none"
        )]
        let value = value.map(|value| value as f32);
        match (before, value) {
            (Some(before), Some(value)) => Some(before + (value - before) / f32::from(self.polls)),
            (before, value) => value.or(before),
        }
    }

    /// The hour up to this time since the exporter's start, oldest first.
    pub fn moments(&self, now: Duration) -> impl ExactSizeIterator<Item = Moment> {
        let last = step_of(now);
        (0..STEPS).map(move |place| {
            let step = (last + place + 1).checked_sub(STEPS);
            let in_ring = |step: &usize| *step <= self.newest && step + STEPS > self.newest;
            step.filter(in_ring).map_or(Moment::default(), |step| self.at(step))
        })
    }

    fn at(&self, step: usize) -> Moment {
        self.ring.get(step % STEPS).copied().map(Moment::from).unwrap_or_default()
    }

    fn put(&mut self, step: usize, moment: Moment) {
        if let Some(place) = self.ring.get_mut(step % STEPS) {
            *place = moment.into();
        }
    }
}

fn step_of(at: Duration) -> usize {
    usize::try_from(at.as_secs() / STEP.as_secs()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn note(history: &mut History, at: u64, rate: Option<f64>, celsius: Option<f64>) {
        history.note(seconds(at), seconds(30), rate, celsius);
    }

    /// The places that have a hash rate, with it.
    fn rates(history: &History, now: u64) -> Vec<(usize, f32)> {
        let moments = history.moments(seconds(now)).enumerate();
        moments.filter_map(|(at, moment)| Some((at, moment.terahashes?))).collect()
    }

    #[test]
    fn polls_of_a_step_are_averaged_and_steps_without_one_are_empty() {
        let mut history = History::default();
        assert_eq!(rates(&history, 100), []);
        note(&mut history, 1, Some(1.0), Some(80.0));
        note(&mut history, 11, Some(2.0), None);
        note(&mut history, 39, Some(6.0), Some(86.0));
        note(&mut history, 85, Some(5.0), None);
        note(&mut history, 86, None, None);
        assert_eq!(rates(&history, 90), [(87, 3.0), (89, 5.0)]);
        assert_eq!(rates(&history, 130), [(86, 3.0), (88, 5.0)], "time goes on without polls");
        assert_eq!(history.moments(seconds(90)).nth(87).unwrap().celsius, Some(82.0));
    }

    #[test]
    fn an_hour_and_no_more_is_kept_in_a_ring_of_fixed_size() {
        let mut history = History::default();
        for second in 0..20_000 {
            note(&mut history, second, Some(second as f64), None);
        }
        let kept = rates(&history, 19_999);
        assert_eq!((kept.len(), kept[0].0, kept[89].1), (STEPS, 0, 19_979.5));
        assert_eq!(size_of_val(&*history.ring), 720);
        note(&mut history, 50_000, Some(1.0), None);
        assert_eq!(rates(&history, 50_000), [(89, 1.0)], "a long gap empties it");
        assert_eq!(rates(&history, 90_000), []);
        note(&mut history, 40_000, Some(9.0), None);
        assert_eq!(rates(&history, 50_000), [(89, 5.0)], "the past is not written");
    }

    #[test]
    fn slow_polls_make_a_curve_and_not_dots() {
        let mut history = History::default();
        for (second, rate) in [(0, Some(1.0)), (120, Some(2.0)), (240, None), (360, Some(3.0)), (900, Some(4.0))] {
            history.note(seconds(second), seconds(360), rate, None);
        }
        let expected = [(67, 1.0), (68, 1.0), (69, 1.0), (70, 2.0), (76, 3.0), (89, 4.0)];
        assert_eq!(rates(&history, 900), expected);
    }
}
