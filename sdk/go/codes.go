package offerd

import types "offerd/gen/offerd_policy_types"

// None stands where there is no handle, and where a count has no bound.
const None = ^uint32(0)

// HostsChoice leaves a time to the host.
const HostsChoice = -1.0

// What a disk can be made to be.
const (
	DiskMount = types.DiskKind_Mount
	DiskBlock = types.DiskKind_Block
)

// Bits of Offer.Traits.
const (
	OfferFresh uint32 = 1 << iota
	OfferReserved
	OfferRevocable
	OfferVolumes
	OfferDiskSources
	OfferUnavailability
	OfferNamed
)

// Bits of Waiting.Traits.
const (
	WaitingConstrained uint32 = 1 << iota
	WaitingService
	WaitingRetry
)

// Bits of Task.Traits.
const (
	TaskKilling uint32 = 1 << iota
	TaskService
	TaskHealthy
	TaskUnhealthy
	TaskUnknown
)

// Bits of Update.Traits.
const (
	UpdateTerminal uint32 = 1 << iota
	UpdateReconciled
	UpdateHealthy
	UpdateUnhealthy
)

// Mesos's TaskState numbers.
const (
	StateStarting uint32 = iota
	StateRunning
	StateFinished
	StateFailed
	StateKilled
	StateLost
	StateStaging
	StateError
	StateKilling
	StateDropped
	StateUnreachable
	StateGone
	StateGoneByOperator
	StateUnknown
)

// Mesos's TaskStatus.Reason numbers: why a task is in its state. None if Mesos gave none.
const (
	ReasonCommandExecutorFailed         uint32 = 0
	ReasonExecutorTerminated            uint32 = 1
	ReasonExecutorUnregistered          uint32 = 2
	ReasonFrameworkRemoved              uint32 = 3
	ReasonGcError                       uint32 = 4
	ReasonInvalidFrameworkid            uint32 = 5
	ReasonInvalidOffers                 uint32 = 6
	ReasonMasterDisconnected            uint32 = 7
	ReasonContainerLimitationMemory     uint32 = 8
	ReasonReconciliation                uint32 = 9
	ReasonAgentDisconnected             uint32 = 10
	ReasonAgentRemoved                  uint32 = 11
	ReasonAgentRestarted                uint32 = 12
	ReasonAgentUnknown                  uint32 = 13
	ReasonTaskInvalid                   uint32 = 14
	ReasonTaskUnauthorized              uint32 = 15
	ReasonTaskUnknown                   uint32 = 16
	ReasonContainerPreempted            uint32 = 17
	ReasonResourcesUnknown              uint32 = 18
	ReasonContainerLimitation           uint32 = 19
	ReasonContainerLimitationDisk       uint32 = 20
	ReasonContainerLaunchFailed         uint32 = 21
	ReasonContainerUpdateFailed         uint32 = 22
	ReasonExecutorRegistrationTimeout   uint32 = 23
	ReasonExecutorReregistrationTimeout uint32 = 24
	ReasonTaskGroupInvalid              uint32 = 25
	ReasonTaskGroupUnauthorized         uint32 = 26
	ReasonIoSwitchboardExited           uint32 = 27
	ReasonTaskCheckStatusUpdated        uint32 = 28
	ReasonTaskHealthCheckStatusUpdated  uint32 = 29
	ReasonTaskKilledDuringLaunch        uint32 = 30
	ReasonAgentRemovedByOperator        uint32 = 31
	ReasonAgentReregistered             uint32 = 32
	ReasonMaxCompletionTimeReached      uint32 = 33
	ReasonAgentDraining                 uint32 = 34
)

// Mesos's TaskStatus.Source numbers: who said it. None if Mesos gave none.
const (
	SourceMaster   uint32 = 0
	SourceAgent    uint32 = 1
	SourceExecutor uint32 = 2
)

// Mesos's OperationState numbers.
const (
	OperationUnsupported    uint32 = 0
	OperationPending        uint32 = 1
	OperationFinished       uint32 = 2
	OperationFailed         uint32 = 3
	OperationError          uint32 = 4
	OperationDropped        uint32 = 5
	OperationUnreachable    uint32 = 6
	OperationGoneByOperator uint32 = 7
	OperationRecovering     uint32 = 8
	OperationUnknown        uint32 = 9
)
