//! Which time zones the numbers of an area have, where a calling code has many: North America (`+1`), Russia and Kazakhstan (`+7`).

/// IANA names of the zones, and the area codes whose numbers are in them.
type Area = (&'static [&'static str], &'static [u16]);

/// Area codes of `+1`, three digits. Derived from libphonenumber's time zones of each prefix, the zones that show the same time until
/// 2027 taken as one; codes laid over another's area have that one's zones. A mobile number that somebody took
/// along to another area tells where it was given out.
const NORTH_AMERICA: &[Area] = &[
    (
        &["America/New_York"],
        &[
            201, 202, 203, 207, 212, 215, 216, 220, 223, 226, 227, 229, 231, 234, 239, 240, 242, 248, 249, 252, 260,
            263, 267, 269, 272, 273, 276, 283, 289, 301, 302, 304, 305, 313, 315, 317, 321, 324, 326, 329, 330, 332,
            336, 339, 343, 347, 351, 352, 354, 363, 365, 380, 382, 386, 401, 404, 407, 410, 412, 413, 416, 419, 434,
            437, 438, 440, 443, 445, 450, 463, 468, 470, 472, 475, 478, 484, 502, 508, 513, 514, 516, 517, 518, 519,
            540, 548, 551, 561, 567, 570, 571, 579, 582, 585, 586, 603, 607, 609, 610, 613, 614, 616, 617, 631, 640,
            645, 646, 647, 649, 656, 667, 678, 680, 681, 683, 686, 703, 704, 705, 706, 716, 717, 718, 724, 727, 728,
            732, 734, 740, 742, 743, 753, 754, 757, 762, 765, 770, 771, 772, 774, 781, 786, 802, 803, 804, 810, 813,
            814, 819, 821, 826, 828, 835, 838, 839, 843, 845, 848, 854, 856, 857, 859, 860, 862, 863, 864, 865, 873,
            878, 904, 905, 908, 910, 912, 914, 917, 919, 929, 934, 937, 941, 942, 943, 947, 948, 954, 959, 973, 978,
            980, 984, 989,
        ],
    ),
    (
        &["America/Chicago"],
        &[
            204, 205, 210, 214, 217, 218, 224, 225, 228, 235, 251, 254, 256, 262, 274, 281, 309, 312, 314, 316, 318,
            319, 320, 325, 327, 331, 334, 337, 346, 353, 361, 402, 405, 409, 414, 417, 430, 431, 432, 447, 464, 469,
            479, 501, 504, 507, 512, 515, 531, 534, 539, 557, 563, 572, 573, 580, 584, 601, 608, 612, 615, 618, 629,
            630, 636, 641, 651, 659, 660, 662, 682, 689, 708, 712, 713, 715, 726, 730, 731, 737, 763, 769, 773, 779,
            806, 815, 816, 817, 830, 832, 847, 870, 872, 901, 903, 913, 918, 920, 931, 936, 938, 940, 945, 952, 956,
            972, 975, 979, 985,
        ],
    ),
    (
        &["America/Los_Angeles"],
        &[
            206, 209, 213, 253, 279, 310, 323, 341, 350, 360, 369, 408, 415, 424, 425, 442, 503, 509, 510, 530, 559,
            562, 564, 604, 619, 626, 628, 650, 657, 661, 669, 702, 707, 714, 725, 738, 747, 760, 805, 818, 820, 831,
            840, 858, 909, 916, 925, 949, 951, 971,
        ],
    ),
    (
        &["America/Denver"],
        &[303, 307, 368, 385, 403, 406, 435, 505, 575, 587, 719, 720, 748, 780, 801, 825, 915, 970, 983],
    ),
    (
        &["America/Puerto_Rico"],
        &[246, 264, 268, 284, 340, 473, 664, 721, 758, 767, 784, 787, 809, 829, 849, 868, 869, 939],
    ),
    (&["America/Halifax"], &[428, 441, 506, 782, 902]),
    (&["America/Phoenix"], &[480, 520, 602, 623]),
    (&["America/Regina"], &[306, 474, 639]),
    (&["America/Jamaica"], &[345, 658, 876]),
    (&["Pacific/Guam"], &[670, 671]),
    (&["Pacific/Pago_Pago"], &[684]),
    (&["Pacific/Honolulu"], &[808]),
    (&["America/Chicago", "America/New_York"], &[219, 270, 364, 423, 448, 574, 606, 807, 812, 850, 906, 930]),
    (&["America/Denver", "America/Los_Angeles"], &[208, 236, 250, 257, 458, 541, 672, 775, 778, 986]),
    (&["America/Chicago", "America/Denver"], &[308, 605, 620, 701, 785]),
    (&["America/Halifax", "America/New_York"], &[367, 418, 581]),
    (&["America/Halifax", "America/St_Johns"], &[709, 879]),
    (&["America/Denver", "America/Phoenix"], &[928]),
    (&["America/Adak", "America/Anchorage", "Pacific/Honolulu"], &[907]),
    (&["America/Chicago", "America/Denver", "America/Los_Angeles", "America/New_York", "America/Phoenix"], &[867]),
];

/// Of `+7`: what a geographic number begins with, the longer beginning first, by Russia's numbering plan and its time zones of 2026;
/// `6` and `7` are Kazakhstan's. A mobile number (`9`) does not tell where it is.
const RUSSIA_AND_KAZAKHSTAN: &[(&str, &str)] = &[
    ("301", "Asia/Irkutsk"),
    ("302", "Asia/Chita"),
    ("341", "Europe/Samara"),
    ("381", "Asia/Omsk"),
    ("395", "Asia/Irkutsk"),
    ("401", "Europe/Kaliningrad"),
    ("411", "Asia/Yakutsk"),
    ("413", "Asia/Magadan"),
    ("415", "Asia/Kamchatka"),
    ("416", "Asia/Yakutsk"),
    ("421", "Asia/Vladivostok"),
    ("423", "Asia/Vladivostok"),
    ("424", "Asia/Sakhalin"),
    ("426", "Asia/Vladivostok"),
    ("427", "Asia/Anadyr"),
    ("842", "Europe/Ulyanovsk"),
    ("845", "Europe/Saratov"),
    ("846", "Europe/Samara"),
    ("848", "Europe/Samara"),
    ("851", "Europe/Astrakhan"),
    ("33", "Asia/Yekaterinburg"),
    ("34", "Asia/Yekaterinburg"),
    ("35", "Asia/Yekaterinburg"),
    ("36", "Europe/Moscow"),
    ("38", "Asia/Krasnoyarsk"),
    ("39", "Asia/Krasnoyarsk"),
    ("47", "Europe/Moscow"),
    ("48", "Europe/Moscow"),
    ("49", "Europe/Moscow"),
    ("81", "Europe/Moscow"),
    ("82", "Europe/Moscow"),
    ("83", "Europe/Moscow"),
    ("84", "Europe/Moscow"),
    ("85", "Europe/Moscow"),
    ("86", "Europe/Moscow"),
    ("87", "Europe/Moscow"),
    ("6", "Asia/Almaty"),
    ("7", "Asia/Almaty"),
];

/// The zones of a number of `+1` or `+7`, of its digits behind that; none where nothing is known.
pub(super) fn zones(code: u16, national: &str) -> &'static [&'static str] {
    match code {
        1 => {
            let area = national.get(..3).and_then(|area| area.parse().ok());
            let found =
                NORTH_AMERICA.iter().find(|(_, areas)| area.is_some_and(|area| areas.binary_search(&area).is_ok()));
            found.map_or(&[], |(zones, _)| zones)
        }
        7 => {
            let found = RUSSIA_AND_KAZAKHSTAN.iter().find(|(begin, _)| national.starts_with(begin));
            found.map_or(&[], |(_, zone)| std::slice::from_ref(zone))
        }
        _ => &[],
    }
}
