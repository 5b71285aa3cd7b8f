//! Mesos's open sets of numbers, with names for those that are known. Numbers
//! of a newer Mesos are kept, never refused; they show as their number.

use std::fmt;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $number:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            $($(#[$item_doc])* #[doc = concat!("`", $text, "`")] pub const $item: Self = Self($number);)+

            /// Mesos's name, if this SDK knows the number.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)+
                    _ => None,
                }
            }
        }

        impl From<u32> for $name {
            fn from(number: u32) -> Self {
                Self(number)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}", self.0),
                }
            }
        }
    };
}

codes!(
    /// State of a task.
    TaskState {
        STARTING = 0, "TASK_STARTING";
        RUNNING = 1, "TASK_RUNNING";
        FINISHED = 2, "TASK_FINISHED";
        FAILED = 3, "TASK_FAILED";
        KILLED = 4, "TASK_KILLED";
        LOST = 5, "TASK_LOST";
        STAGING = 6, "TASK_STAGING";
        ERROR = 7, "TASK_ERROR";
        KILLING = 8, "TASK_KILLING";
        DROPPED = 9, "TASK_DROPPED";
        UNREACHABLE = 10, "TASK_UNREACHABLE";
        GONE = 11, "TASK_GONE";
        GONE_BY_OPERATOR = 12, "TASK_GONE_BY_OPERATOR";
        UNKNOWN = 13, "TASK_UNKNOWN";
    }
);

impl TaskState {
    /// Whether a task in this state never runs again. Not of an unreachable
    /// task or one that is unknown or gone by an operator's word: those can come
    /// back (rule R39). The host's own verdict is the trait bit of an update,
    /// [`crate::types::Update::is_terminal`].
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::FINISHED | Self::FAILED | Self::KILLED | Self::ERROR | Self::DROPPED | Self::GONE
        )
    }

    /// Whether the task occupies its agent as far as anyone knows: staging,
    /// starting, running or being killed.
    pub fn is_on_agent(self) -> bool {
        matches!(
            self,
            Self::STAGING | Self::STARTING | Self::RUNNING | Self::KILLING
        )
    }
}

codes!(
    /// Why a task is in its state.
    Reason {
        COMMAND_EXECUTOR_FAILED = 0, "REASON_COMMAND_EXECUTOR_FAILED";
        EXECUTOR_TERMINATED = 1, "REASON_EXECUTOR_TERMINATED";
        EXECUTOR_UNREGISTERED = 2, "REASON_EXECUTOR_UNREGISTERED";
        FRAMEWORK_REMOVED = 3, "REASON_FRAMEWORK_REMOVED";
        GC_ERROR = 4, "REASON_GC_ERROR";
        INVALID_FRAMEWORKID = 5, "REASON_INVALID_FRAMEWORKID";
        INVALID_OFFERS = 6, "REASON_INVALID_OFFERS";
        MASTER_DISCONNECTED = 7, "REASON_MASTER_DISCONNECTED";
        CONTAINER_LIMITATION_MEMORY = 8, "REASON_CONTAINER_LIMITATION_MEMORY";
        RECONCILIATION = 9, "REASON_RECONCILIATION";
        AGENT_DISCONNECTED = 10, "REASON_AGENT_DISCONNECTED";
        AGENT_REMOVED = 11, "REASON_AGENT_REMOVED";
        AGENT_RESTARTED = 12, "REASON_AGENT_RESTARTED";
        AGENT_UNKNOWN = 13, "REASON_AGENT_UNKNOWN";
        TASK_INVALID = 14, "REASON_TASK_INVALID";
        TASK_UNAUTHORIZED = 15, "REASON_TASK_UNAUTHORIZED";
        TASK_UNKNOWN = 16, "REASON_TASK_UNKNOWN";
        CONTAINER_PREEMPTED = 17, "REASON_CONTAINER_PREEMPTED";
        RESOURCES_UNKNOWN = 18, "REASON_RESOURCES_UNKNOWN";
        CONTAINER_LIMITATION = 19, "REASON_CONTAINER_LIMITATION";
        CONTAINER_LIMITATION_DISK = 20, "REASON_CONTAINER_LIMITATION_DISK";
        CONTAINER_LAUNCH_FAILED = 21, "REASON_CONTAINER_LAUNCH_FAILED";
        CONTAINER_UPDATE_FAILED = 22, "REASON_CONTAINER_UPDATE_FAILED";
        EXECUTOR_REGISTRATION_TIMEOUT = 23, "REASON_EXECUTOR_REGISTRATION_TIMEOUT";
        EXECUTOR_REREGISTRATION_TIMEOUT = 24, "REASON_EXECUTOR_REREGISTRATION_TIMEOUT";
        TASK_GROUP_INVALID = 25, "REASON_TASK_GROUP_INVALID";
        TASK_GROUP_UNAUTHORIZED = 26, "REASON_TASK_GROUP_UNAUTHORIZED";
        IO_SWITCHBOARD_EXITED = 27, "REASON_IO_SWITCHBOARD_EXITED";
        TASK_CHECK_STATUS_UPDATED = 28, "REASON_TASK_CHECK_STATUS_UPDATED";
        TASK_HEALTH_CHECK_STATUS_UPDATED = 29, "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED";
        TASK_KILLED_DURING_LAUNCH = 30, "REASON_TASK_KILLED_DURING_LAUNCH";
        AGENT_REMOVED_BY_OPERATOR = 31, "REASON_AGENT_REMOVED_BY_OPERATOR";
        AGENT_REREGISTERED = 32, "REASON_AGENT_REREGISTERED";
        MAX_COMPLETION_TIME_REACHED = 33, "REASON_MAX_COMPLETION_TIME_REACHED";
        AGENT_DRAINING = 34, "REASON_AGENT_DRAINING";
        /// Mesos gave none.
        NONE = 4294967295, "none";
    }
);

codes!(
    /// Who said it.
    Source {
        MASTER = 0, "SOURCE_MASTER";
        AGENT = 1, "SOURCE_AGENT";
        EXECUTOR = 2, "SOURCE_EXECUTOR";
        /// Mesos gave none.
        NONE = 4294967295, "none";
    }
);

codes!(
    /// State of an operation.
    OperationState {
        UNSUPPORTED = 0, "OPERATION_UNSUPPORTED";
        PENDING = 1, "OPERATION_PENDING";
        FINISHED = 2, "OPERATION_FINISHED";
        FAILED = 3, "OPERATION_FAILED";
        ERROR = 4, "OPERATION_ERROR";
        DROPPED = 5, "OPERATION_DROPPED";
        UNREACHABLE = 6, "OPERATION_UNREACHABLE";
        GONE_BY_OPERATOR = 7, "OPERATION_GONE_BY_OPERATOR";
        RECOVERING = 8, "OPERATION_RECOVERING";
        UNKNOWN = 9, "OPERATION_UNKNOWN";
    }
);

impl OperationState {
    /// Whether the operation has ended, one way or the other.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::FINISHED | Self::FAILED | Self::ERROR | Self::DROPPED | Self::GONE_BY_OPERATOR
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_numbers_are_kept() {
        let state = TaskState::from(77);
        assert_eq!(state.name(), None);
        assert_eq!(state.to_string(), "77");
        assert!(!state.is_terminal());
    }

    #[test]
    fn states_that_can_come_back_are_not_terminal() {
        for state in [
            TaskState::UNREACHABLE,
            TaskState::LOST,
            TaskState::UNKNOWN,
            TaskState::GONE_BY_OPERATOR,
        ] {
            assert!(!state.is_terminal(), "{state}");
        }
        assert!(TaskState::FINISHED.is_terminal());
    }
}
