//! What Linux says of this process, under the names that all exporters use.

use std::fs;

/// Bytes of memory that are in use.
pub(super) fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))?;
    Some(kib.parse::<u64>().ok()? * 1_024)
}

/// Processor time since the start, seconds.
#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
pub(super) fn cpu_seconds() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}

/// Files that are open.
pub(super) fn open_files() -> Option<u64> {
    u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()
}
