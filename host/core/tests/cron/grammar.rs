//! What is read at all: expressions on which implementations part.

/// A text, and whether we, croner and cronsim read it.
pub(crate) const TEXTS: &[(&str, [bool; 3])] = &[
    // Common ground.
    ("*/15 0-6/2,12 1,15 jan-mar mon-fri", [true, true, true]),
    ("0 0 * * 7", [true, true, true]),
    ("0 0 * * 5-7", [true, true, true]),
    ("30 0 0 * * *", [true, true, true]),
    ("60 * * * *", [false, false, false]),
    ("0 24 * * *", [false, false, false]),
    ("0 0 0 * *", [false, false, false]),
    ("0 0 * 13 *", [false, false, false]),
    ("0 0 * * 8", [false, false, false]),
    ("30-10 * * * *", [false, false, false]),
    ("*/0 * * * *", [false, false, false]),
    ("* * * *", [false, false, false]),
    ("@reboot", [false, false, false]),
    // Ours alone, or without one of them.
    ("@midnight", [true, false, false]),
    ("@daily", [true, true, false]),
    ("0 0 * * *,1", [true, false, true]),
    ("0 0 * * fri-sun", [true, true, false]),
    ("0 0 30 2 *", [false, true, false]),
    // Steps longer than their field.
    ("*/61 * * * *", [false, true, true]),
    ("5/70 * * * *", [false, true, true]),
    // What other schedulers have added.
    ("0 0 L * *", [false, true, true]),
    ("0 0 LW * *", [false, true, true]),
    ("0 0 15W * *", [false, true, false]),
    ("0 0 * * mon#2", [false, true, true]),
    ("0 0 * * 5L", [false, true, true]),
    ("0 0 ? * mon", [false, true, false]),
    ("0 0 1 * +mon", [false, true, false]),
    ("0 0 0 1 1 * 2030", [false, true, false]),
    ("/5 * * * *", [false, true, false]),
    ("1,,2 * * * *", [false, true, false]),
];
