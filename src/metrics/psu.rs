//! What the slots of `PS[...]`, the power supply's item, mean on which model.
//!
//! The firmware prints the same seven numbers everywhere and fills them differently. The layouts below were read from
//! published replies of real units, whose numbers the tests hold; while a miner hashes, volts times amperes is the
//! stated power within one ampere, which tells an input from an output. A model without a row here has no decoded
//! power at all: a guess would be wrong by a factor. The mode's power limit `MPO` is a setting and never a measurement.

/// A model, as far as its supply is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Avalon Nano 3S.
    Nano3S,
    /// Avalon Nano 3.
    Nano3,
    /// Avalon Mini 3.
    Mini3,
    /// Avalon Q.
    Q,
    /// `AvalonMiner` 10xx.
    A10,
    /// `AvalonMiner` 11xx to 15xx.
    A11To15,
}

impl Model {
    /// Recognises a model by the text of `MODEL` (`Nano3s`, `15-194`, `1246-81`), or by what stands in front of the
    /// firmware's version in `Ver` (see [`split_version`]).
    pub fn from_name(name: &str) -> Option<Self> {
        let homes = [("nano3s", Self::Nano3S), ("nano3", Self::Nano3), ("mini3", Self::Mini3), ("q", Self::Q)];
        let home = homes.into_iter().find(|(of, _)| name.eq_ignore_ascii_case(of));
        home.map(|(_, model)| model).or_else(|| Self::from_number(name))
    }

    /// The A-series: four digits of which two are the generation (`1246`, `10xx`), or the generation and a hyphen
    /// (`15-194`). An `A9` has three digits.
    fn from_number(name: &str) -> Option<Self> {
        let number = name.split('-').next().unwrap_or(name);
        let rest = number.get(2..)?;
        if !(rest.is_empty() && name.contains('-') || rest.len() == 2) {
            return None;
        }
        match number.get(..2)?.parse().ok()? {
            10 => Some(Self::A10),
            11..=15 => Some(Self::A11To15),
            _ => None,
        }
    }
}

/// Splits the text of `Ver` into model and firmware at the last hyphen before eight digits:
/// `15-194-24102401_25462b2` is a `15-194` with `24102401_25462b2`.
pub fn split_version(ver: &str) -> Option<(&str, &str)> {
    ver.rmatch_indices('-').map(|(at, _)| (ver.get(..at), ver.get(at + 1..))).find_map(|halves| match halves {
        (Some(model), Some(firmware)) => {
            let digits = firmware.bytes().take_while(u8::is_ascii_digit).count();
            (digits == 8).then_some((model, firmware))
        }
        _ => None,
    })
}

/// What a supply can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Power in W: at the wall where the supply measures it, else what it is given or gives.
    Watts,
    /// Voltage at the supply's input.
    InputVolts,
    /// Voltage at the supply's output.
    OutputVolts,
    /// Current at the supply's output.
    OutputAmperes,
    /// Power at the supply's output.
    OutputWatts,
    /// The output voltage that the controller asks for.
    SetVolts,
}

/// Where a quantity stands: slot and divisor.
type Slot = (Quantity, usize, f64);

use Quantity::{InputVolts, OutputAmperes, OutputVolts, OutputWatts, SetVolts, Watts};

/// A unit in high mode: `0 0 27697 4 0 3678 132`. The 4 A are at the input (27.7 V x 4.8 A = 132 W), so they are no
/// output current.
const NANO_3S: &[Slot] = &[(InputVolts, 2, 1000.0), (SetVolts, 5, 1000.0), (Watts, 6, 1.0)];
/// A unit in medium mode: `0 0 0 3 2780 92 314`: 27.80 V x 3.3 A = 92 W at the input, 3.14 V to the chips.
const NANO_3: &[Slot] = &[(InputVolts, 4, 100.0), (Watts, 5, 1.0), (OutputVolts, 6, 100.0)];
/// Mini 3 `0 1217 2250 35 808 2251 834`, Q `0 1216 2411 53 1298 2412 1391`, A15 `0 1209 1187 297 3526 1188 3731`:
/// 11.87 V x 297 A = 3526 W to the boards, 3731 W at the wall. Slot 1 is the controller's 12 V.
const WALL: &[Slot] =
    &[(OutputVolts, 2, 100.0), (OutputAmperes, 3, 1.0), (OutputWatts, 4, 1.0), (SetVolts, 5, 100.0), (Watts, 6, 1.0)];
/// An A10 has six slots, `0 1217 1279 221 2834 1280`, and no measurement at the wall: the boards' power stands for it.
const A10: &[Slot] =
    &[(OutputVolts, 2, 100.0), (OutputAmperes, 3, 1.0), (OutputWatts, 4, 1.0), (SetVolts, 5, 100.0), (Watts, 4, 1.0)];

/// Slots that have a row in the catalogue; more of them mean nothing.
const SLOTS: usize = 10;

/// What the supply of a known model says: the slots of `PS[...]` and what they mean.
#[derive(Clone, Debug, Default)]
pub struct Supply {
    layout: &'static [Slot],
    slots: [Option<f64>; SLOTS],
}

impl Supply {
    /// Joins the slots with the model's layout. A supply whose slots are all 0, the error in the first aside, does not
    /// answer, so it says nothing.
    pub fn new(model: Option<Model>, numbers: impl Iterator<Item = Option<f64>>) -> Self {
        let mut slots = [None; SLOTS];
        slots.iter_mut().zip(numbers).for_each(|(slot, number)| *slot = number);
        let layout = match model {
            Some(Model::Nano3S) => NANO_3S,
            Some(Model::Nano3) => NANO_3,
            Some(Model::Mini3 | Model::Q | Model::A11To15) => WALL,
            Some(Model::A10) => A10,
            None => &[],
        };
        let answers = slots.iter().skip(1).any(|slot| slot.is_some_and(|value| value != 0.0));
        Supply { layout: if answers { layout } else { &[] }, slots }
    }

    /// Error bits, 0 is fine; of any model. None if all slots are 0.
    pub fn error(&self) -> Option<f64> {
        self.slot(0).filter(|_| self.slots.iter().any(|slot| slot.is_some_and(|value| value != 0.0)))
    }

    /// A slot as it was sent, whatever it means.
    pub fn slot(&self, number: usize) -> Option<f64> {
        self.slots.get(number).copied().flatten()
    }

    /// A quantity in its base unit, if this model's supply has it.
    pub fn get(&self, quantity: Quantity) -> Option<f64> {
        let (_, number, divisor) = self.layout.iter().find(|(q, ..)| *q == quantity)?;
        Some(self.slot(*number)? / divisor)
    }
}

/// Where a quantity stands on each model, in words, for the documentation.
pub fn describe(quantity: Quantity) -> String {
    let layouts = [("Nano 3S", NANO_3S), ("Nano 3", NANO_3), ("Mini 3, Q, A11 to A15", WALL), ("A10", A10)];
    let place = |(models, layout): (&str, &[Slot])| {
        let (_, slot, divisor) = layout.iter().find(|(of, ..)| *of == quantity)?;
        let scale = if *divisor > 1.0 { format!(" / {divisor}") } else { String::new() };
        Some(format!("{models}: slot {slot}{scale}"))
    };
    layouts.into_iter().filter_map(place).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supply(model: Model, slots: &str) -> Supply {
        Supply::new(Some(model), slots.split(' ').map(|slot| slot.parse().ok()))
    }

    /// Published samples of real units, with the power that each unit's own page showed.
    #[test]
    fn watts_of_every_model() {
        for (model, slots, watts) in [
            (Model::Nano3S, "0 0 27697 4 0 3678 132", 132.0),
            (Model::Nano3S, "0 0 27541 4 0 3756 133", 133.0),
            (Model::Nano3, "0 0 0 3 2780 92 314", 92.0),
            (Model::Nano3, "0 0 0 3 2792 89 324", 89.0),
            (Model::Mini3, "0 1210 2083 37 760 2085 824", 824.0),
            (Model::Mini3, "0 1217 2250 35 808 2251 834", 834.0),
            (Model::Q, "0 1216 2411 53 1298 2412 1391", 1391.0),
            (Model::Q, "0 1213 2455 64 1594 2456 1698", 1698.0),
            (Model::Q, "0 1222 4 0 0 2245 146", 146.0),
            (Model::Q, "0 1216 1 0 0 2243 17", 17.0),
            (Model::A11To15, "0 1209 1187 297 3526 1188 3731", 3731.0),
            (Model::A10, "0 1217 1279 221 2834 1280", 2834.0),
        ] {
            assert_eq!(supply(model, slots).get(Watts), Some(watts), "{model:?} {slots}");
        }
    }

    #[test]
    fn other_quantities() {
        let all = [InputVolts, OutputVolts, OutputAmperes, OutputWatts, SetVolts];
        let of = |model, slots| all.map(|quantity| supply(model, slots).get(quantity));
        assert_eq!(of(Model::Nano3S, "1 0 27697 4 0 3678 132"), [Some(27.697), None, None, None, Some(3.678)]);
        assert_eq!(of(Model::Nano3, "0 0 0 3 2792 89 324"), [Some(27.92), Some(3.24), None, None, None]);
        let mini = [None, Some(20.83), Some(37.0), Some(760.0), Some(20.85)];
        assert_eq!(of(Model::Mini3, "0 1210 2083 37 760 2085 824"), mini);
        let a10 = [None, Some(12.79), Some(221.0), Some(2834.0), Some(12.8)];
        assert_eq!(of(Model::A10, "0 1217 1279 221 2834 1280"), a10);
    }

    #[test]
    fn a_silent_or_unknown_supply_says_nothing() {
        assert_eq!(supply(Model::Q, "0 0 0 0 0 0 0").get(Watts), None);
        assert_eq!(supply(Model::Q, "0 0 0 0 0 0 0").error(), None);
        assert_eq!(supply(Model::Q, "64 0 0 0 0 0 0").get(Watts), None, "an error is no measurement");
        assert_eq!(supply(Model::Q, "64 0 0 0 0 0 0").error(), Some(64.0));
        assert_eq!(Supply::new(None, [Some(2.0), Some(1.0)].into_iter()).error(), Some(2.0), "of any model");
        assert_eq!(supply(Model::A11To15, "0 1209 1187 297 3526 1188").get(Watts), None, "never a wrong slot");
        assert_eq!(Supply::new(None, [Some(0.0), Some(1.0), Some(132.0)].into_iter()).get(Watts), None);
        assert_eq!(Supply::new(None, [Some(0.0), Some(1.0), Some(132.0)].into_iter()).slot(2), Some(132.0));
    }

    #[test]
    fn names() {
        for (name, model) in [
            ("Nano3s", Some(Model::Nano3S)),
            ("nano3", Some(Model::Nano3)),
            ("Mini3", Some(Model::Mini3)),
            ("Q", Some(Model::Q)),
            ("15-194", Some(Model::A11To15)),
            ("1246-81", Some(Model::A11To15)),
            ("1166", Some(Model::A11To15)),
            ("1066", Some(Model::A10)),
            ("10xx", Some(Model::A10)),
            ("16-1", None),
            ("921", None),
            ("15", None),
            ("nano4", None),
            ("", None),
        ] {
            assert_eq!(Model::from_name(name), model, "{name}");
        }
    }

    #[test]
    fn versions() {
        assert_eq!(split_version("Nano3s-25021401_56abae7"), Some(("Nano3s", "25021401_56abae7")));
        assert_eq!(split_version("15-194-24102401_25462b2_9ddf522"), Some(("15-194", "24102401_25462b2_9ddf522")));
        assert_eq!(split_version("1246-83-21072802_4ec6bb0_211fc46"), Some(("1246-83", "21072802_4ec6bb0_211fc46")));
        assert_eq!(split_version("Nano3s"), None);
        assert_eq!(split_version("a-1234567-x"), None);
    }
}
