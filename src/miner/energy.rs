//! The energy meter: decoded power, integrated over the time between polls.
//!
//! A pure state machine over monotonic time: the wall clock cannot touch it. It adds nothing over a gap that is longer than
//! it is told, nor across a failed poll, since what the miner used meanwhile is unknown.

use std::time::{Duration, Instant};

/// One kilowatt-hour in joules.
const JOULES_PER_KWH: f64 = 3.6e6;

/// Twenty times what the largest miner uses. More is a fault, and would stay in the sum for good, as infinity in the worst
/// case.
const WATTS_MAX: f64 = 100_000.0;

/// A meter that only goes up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    last: Option<(Instant, f64)>,
    joules: Option<f64>,
    cost: Option<f64>,
}

impl Meter {
    /// Takes a measurement in W, none if the miner is down or its power is not known; `price` is per kWh, now, if one is
    /// set.
    ///
    /// Between two measurements power is taken to run straight (the trapezoid rule), unless they are further apart than
    /// `gap_max`.
    pub fn measure(&mut self, now: Instant, watts: Option<f64>, gap_max: Duration, price: Option<f64>) {
        // A meter never runs backwards, whatever the supply says.
        let watts = watts.map(|watts| watts.max(0.0)).filter(|watts| *watts <= WATTS_MAX);
        let last = std::mem::replace(&mut self.last, watts.map(|watts| (now, watts)));
        let Some(watts) = watts else { return };
        let joules = last.map_or(0.0, |(then, before)| {
            let gap = now.saturating_duration_since(then);
            if gap > gap_max { 0.0 } else { f64::midpoint(before, watts) * gap.as_secs_f64() }
        });
        self.joules = Some(self.joules.unwrap_or(0.0) + joules);
        if let Some(price) = price {
            self.cost = Some(self.cost.unwrap_or(0.0) + joules / JOULES_PER_KWH * price);
        }
    }

    /// Energy in J since the first measurement; none before it.
    pub fn joules(&self) -> Option<f64> {
        self.joules
    }

    /// Cost of that energy, each part at the price of its time; none before the first measurement with a price.
    pub fn cost(&self) -> Option<f64> {
        self.cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP_MAX: Duration = Duration::from_secs(30);

    /// Feeds measurements at the given seconds and returns joules and cost after each.
    fn run(measurements: &[(u64, Option<f64>, f64)]) -> Vec<(Option<f64>, Option<f64>)> {
        let start = Instant::now();
        let mut meter = Meter::default();
        let mut readings = Vec::new();
        for (second, watts, price) in measurements {
            meter.measure(start + Duration::from_secs(*second), *watts, GAP_MAX, Some(*price));
            readings.push((meter.joules(), meter.cost()));
        }
        readings
    }

    #[test]
    fn trapezoids() {
        let readings = run(&[(0, None, 0.0), (10, Some(100.0), 0.0), (20, Some(200.0), 0.0), (30, Some(200.0), 0.0)]);
        assert_eq!(
            readings.iter().map(|reading| reading.0).collect::<Vec<_>>(),
            [None, Some(0.0), Some(1500.0), Some(3500.0)]
        );
    }

    #[test]
    fn nothing_over_gaps_or_while_down() {
        let readings = run(&[(0, Some(100.0), 0.0), (31, Some(100.0), 0.0), (61, Some(100.0), 0.0)]);
        assert_eq!(readings[1].0, Some(0.0));
        assert_eq!(readings[2].0, Some(3000.0), "thirty seconds are no gap");
        let readings = run(&[(0, Some(100.0), 0.0), (10, None, 0.0), (20, Some(100.0), 0.0), (21, Some(100.0), 0.0)]);
        assert_eq!(
            readings.iter().map(|reading| reading.0).collect::<Vec<_>>(),
            [Some(0.0), Some(0.0), Some(0.0), Some(100.0)]
        );
    }

    #[test]
    fn never_decreases() {
        let readings = run(&[(0, Some(-5.0), 1.0), (10, Some(-5.0), 1.0), (5, Some(10.0), 1.0)]);
        assert!(readings.iter().all(|reading| *reading == (Some(0.0), Some(0.0))), "{readings:?}");
    }

    #[test]
    fn what_no_miner_can_use_is_not_counted() {
        let readings = run(&[
            (0, Some(9.0), 1.0),
            (1, Some(1e308), 1.0),
            (2, Some(1e308), 1.0),
            (3, Some(9.0), 1.0),
            (4, Some(9.0), 0.0),
        ]);
        assert_eq!(readings.iter().map(|reading| reading.0).collect::<Vec<_>>(), [0.0, 0.0, 0.0, 0.0, 9.0].map(Some));
    }

    #[test]
    fn a_new_price_leaves_the_past_alone() {
        let readings = run(&[(0, Some(3.6e4), 100.0), (1, Some(3.6e4), 100.0), (2, Some(3.6e4), 500.0)]);
        assert_eq!(readings.iter().map(|reading| reading.1).collect::<Vec<_>>(), [Some(0.0), Some(1.0), Some(6.0)]);
    }
}
