//! What goes wrong in a day.

use super::{Event, LATENCY_MS, MINUTE, SECOND, Weather, World};
use callbackd::demo::pbx::Input;

impl World {
    pub(super) fn trouble(&mut self) {
        if self.now >= self.troubles_until {
            return self.fair_weather();
        }
        let next = self.exponential(90 * SECOND).min((self.troubles_until - self.now).max(1));
        self.at(next, Event::Trouble);
        let network = matches!(self.weather, Weather::BadNetwork | Weather::Everything);
        let machine = matches!(self.weather, Weather::BadMachine | Weather::Everything);
        let i = self.any();
        match self.rng.u32(..8) {
            0 | 1 if network => {
                self.sites[i].network_up = false;
                let mean = [2 * SECOND, 30 * SECOND, 20 * MINUTE][self.rng.usize(..3)];
                let away = self.exponential(mean);
                self.at(away, Event::NetworkUp(i));
                let half = self.rng.bool();
                self.cut(i, half);
            }
            2 if network => {
                // Nobody reports it; the pings find out.
                self.unseen(i, LATENCY_MS);
                if let Some(link) = &mut self.sites[i].link {
                    link.deaf = true;
                }
            }
            3 if network => {
                self.unseen(i, LATENCY_MS);
                self.sites[i].pbx.handle(Input::Restart, self.now);
                self.sites[i].pbx_up = false;
                let away = self.rng.i64(SECOND..20 * SECOND);
                self.at(away, Event::PbxUp(i));
            }
            4 | 5 if machine && self.core.is_some() => self.fuse = Some(self.rng.u32(1..40)),
            6 if machine && self.core.is_some() => self.stop(),
            7 if machine => {
                self.stalls_until = self.now + self.exponential(20 * SECOND);
            }
            0 if machine => {
                self.wall_shift += self.rng.i64(-40 * MINUTE..40 * MINUTE);
                for site in &mut self.sites {
                    site.watch.skewed(self.now);
                }
            }
            _ => {}
        }
    }

    /// From now on everything works.
    pub(super) fn fair_weather(&mut self) {
        self.fuse = None;
        for site in &mut self.sites {
            (site.network_up, site.pbx_up) = (true, true);
        }
    }
}
