//! What the export macros call: keeps the one policy of the instance and turns
//! the contract's calls into the trait's. Not for use by hand.

use std::cell::RefCell;
use std::fmt;

use crate::answer::Answer;
use crate::policy::{Description, Policy, Snapshot, StatefulPolicy};
use crate::types::{self, Round};
use crate::{cluster, config};

/// The policy of this instance, once it is configured.
pub struct Instance<P>(RefCell<Option<P>>);

impl<P> fmt::Debug for Instance<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Instance")
    }
}

impl<P> Default for Instance<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> Instance<P> {
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }

    fn with<T>(
        &self,
        call: &str,
        work: impl FnOnce(&mut P) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut slot = self
            .0
            .try_borrow_mut()
            .map_err(|_| format!("{call} was called within a call"))?;
        let policy = slot
            .as_mut()
            .ok_or_else(|| format!("{call} was called before configure had succeeded"))?;
        work(policy)
    }
}

impl<P: Policy> Instance<P> {
    pub fn describe() -> Description {
        report_panics();
        P::describe()
    }

    /// # Errors
    /// As [`Policy::configure`], or what is wrong with the settings' form.
    pub fn configure(&self, text: &str) -> Result<(), String> {
        report_panics();
        let policy = P::configure(config::parse(text)?)?;
        *self
            .0
            .try_borrow_mut()
            .map_err(|_| "configure was called within a call")? = Some(policy);
        Ok(())
    }

    /// # Errors
    /// As [`Policy::decide`].
    pub fn decide(&self, round: &Round) -> Result<types::Answer, String> {
        self.with("decide", |policy| decide(policy, round))
    }
}

impl<P: StatefulPolicy> Instance<P> {
    /// # Errors
    /// As [`StatefulPolicy::save`].
    pub fn save(&self) -> Result<Snapshot, String> {
        self.with("save", P::save)
    }

    /// # Errors
    /// As [`StatefulPolicy::restore`].
    pub fn restore(&self, snapshot: Snapshot) -> Result<(), String> {
        self.with("restore", |policy| policy.restore(snapshot))
    }
}

/// One round of a policy, as in the host.
pub(crate) fn decide<P: Policy>(policy: &mut P, round: &Round) -> Result<types::Answer, String> {
    cluster::begin_round(round);
    let mut out = Answer::new();
    policy.decide(round, &mut out)?;
    Ok(out.into_types())
}

/// A trap shows no message, so a panic writes its own first.
fn report_panics() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|panic| {
        crate::log::write(crate::log::Level::Error, format_args!("{panic}"));
    }));
}

/// Makes a component of a [`Policy`]. Call it once, in the crate that is built
/// as a `cdylib`. Outside of WebAssembly it only checks the type.
///
/// ```
/// # use offerd_sdk::prelude::*;
/// struct DeclineAll;
///
/// impl Policy for DeclineAll {
///     type Config = NoConfig;
///
///     fn describe() -> Description {
///         Description::new("decline-all", "1.0.0", "Takes nothing.")
///     }
///
///     fn configure(_: NoConfig) -> Result<Self, String> {
///         Ok(Self)
///     }
///
///     fn decide(&mut self, _: &Round, out: &mut Answer) -> Result<(), String> {
///         out.decline_rest().because("this policy takes nothing");
///         Ok(())
///     }
/// }
///
/// offerd_sdk::export_policy!(DeclineAll);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_policy {
    ($policy:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            $crate::__exports!($policy, policy);
            $crate::bindings::policy::export_policy_world!(
                Component with_types_in $crate::bindings::policy
            );
        };

        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() = || {
            fn is_policy<P: $crate::Policy>() {}
            is_policy::<$policy>();
        };
    };
}

/// Makes a component of a [`StatefulPolicy`], as [`export_policy!`] does of a
/// policy without state.
#[macro_export]
macro_rules! export_stateful_policy {
    ($policy:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            $crate::__exports!($policy, stateful);

            impl $crate::bindings::stateful::exports::offerd::policy::state::Guest for Component {
                fn save() -> ::std::result::Result<
                    $crate::bindings::stateful::exports::offerd::policy::state::Snapshot,
                    ::std::string::String,
                > {
                    let saved = INSTANCE.with(|instance| instance.save())?;
                    Ok(
                        $crate::bindings::stateful::exports::offerd::policy::state::Snapshot {
                            version: saved.version,
                            data: saved.data,
                        },
                    )
                }

                fn restore(
                    snapshot: $crate::bindings::stateful::exports::offerd::policy::state::Snapshot,
                ) -> ::std::result::Result<(), ::std::string::String> {
                    INSTANCE.with(|instance| {
                        instance.restore($crate::Snapshot {
                            version: snapshot.version,
                            data: snapshot.data,
                        })
                    })
                }
            }

            $crate::bindings::stateful::export_stateful_world!(
                Component with_types_in $crate::bindings::stateful
            );
        };

        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() = || {
            fn is_policy<P: $crate::StatefulPolicy>() {}
            is_policy::<$policy>();
        };
    };
}

/// The exports that both worlds have.
#[doc(hidden)]
#[macro_export]
macro_rules! __exports {
    ($policy:ty, $world:ident) => {
        ::std::thread_local! {
            static INSTANCE: $crate::export::Instance<$policy> =
                const { $crate::export::Instance::new() };
        }

        struct Component;

        impl $crate::bindings::$world::Guest for Component {
            fn describe() -> $crate::bindings::$world::Description {
                let who = $crate::export::Instance::<$policy>::describe();
                $crate::bindings::$world::Description {
                    name: who.name,
                    version: who.version,
                    summary: who.summary,
                }
            }

            fn configure(
                config: ::std::string::String,
            ) -> ::std::result::Result<(), ::std::string::String> {
                INSTANCE.with(|instance| instance.configure(&config))
            }

            fn decide(
                round: $crate::types::Round,
            ) -> ::std::result::Result<$crate::types::Answer, ::std::string::String> {
                INSTANCE.with(|instance| instance.decide(&round))
            }
        }
    };
}
