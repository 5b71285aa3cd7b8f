;; All of `wasi_snapshot_preview1` without imports of its own: calls are answered inside the
;; component, so that the component imports nothing but the contract.
;;
;; No arguments, environment, files, sockets or streams; output is thrown away. The clock is
;; fake (1 us later at each look; sleeps end at once) and the random bytes are always the same:
;; libraries may use them for hash tables and the like, policies ask the contract.
(module
  (import "env" "memory" (memory 0))
  (global $clock (mut i64) (i64.const 1000000000))
  (global $random (mut i64) (i64.const 0x1234567890abcdef))

  (func (export "sched_yield") (result i32) i32.const 0)
  (func (export "proc_exit") (param i32) unreachable)
  (func (export "proc_raise") (param i32) (result i32) unreachable)
  (func (export "args_sizes_get") (export "environ_sizes_get") (param i32 i32) (result i32)
    (i32.store (local.get 0) (i32.const 0))
    (i32.store (local.get 1) (i32.const 0))
    i32.const 0)
  (func (export "args_get") (export "environ_get") (param i32 i32) (result i32) i32.const 0)

  (func (export "clock_time_get") (param i32 i64 i32) (result i32)
    (global.set $clock (i64.add (global.get $clock) (i64.const 1000)))
    (i64.store (local.get 2) (global.get $clock))
    i32.const 0)
  (func (export "clock_res_get") (param i32 i32) (result i32)
    (i64.store (local.get 1) (i64.const 1000))
    i32.const 0)
  ;; A wait for the clock moves the clock; nothing else ever happens.
  (func (export "poll_oneoff") (param $in i32) (param $out i32) (param $n i32) (param $done i32)
    (result i32)
    (if (i32.and (i32.ne (local.get $n) (i32.const 0))
                 (i32.eqz (i32.load8_u offset=8 (local.get $in))))
      (then (global.set $clock
        (i64.add (global.get $clock) (i64.load offset=24 (local.get $in))))))
    (i32.store (local.get $done) (i32.const 0))
    i32.const 0)
  ;; The adapter's part of wit-component's own interface for Go; nothing to do.
  (func (export "adapter_monotonic_clock_set_paused") (param i32))

  (func (export "random_get") (param $p i32) (param $n i32) (result i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $n)))
      (global.set $random (i64.add
        (i64.mul (global.get $random) (i64.const 6364136223846793005))
        (i64.const 1442695040888963407)))
      (i32.store8 (local.get $p)
        (i32.wrap_i64 (i64.shr_u (global.get $random) (i64.const 56))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $next)))
    i32.const 0)

  ;; Thrown away, but said to be written: Go reports a panic for ever when it cannot.
  (func (export "fd_write") (param $fd i32) (param $list i32) (param $n i32) (param $out i32)
    (result i32)
    (local $sum i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $n)))
      (local.set $sum (i32.add (local.get $sum) (i32.load offset=4 (local.get $list))))
      (local.set $list (i32.add (local.get $list) (i32.const 8)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $next)))
    (i32.store (local.get $out) (local.get $sum))
    i32.const 0)

  ;; All else: 8, "bad file descriptor". There are no files.
  (func (export "fd_close") (export "fd_datasync") (export "fd_sync")
    (param i32) (result i32) i32.const 8)
  (func (export "fd_fdstat_get") (export "fd_fdstat_set_flags") (export "fd_filestat_get")
    (export "fd_prestat_get") (export "fd_renumber") (export "fd_tell") (export "sock_shutdown")
    (param i32 i32) (result i32) i32.const 8)
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) i32.const 8)
  (func (export "fd_prestat_dir_name") (export "path_create_directory")
    (export "path_remove_directory") (export "path_unlink_file") (export "sock_accept")
    (param i32 i32 i32) (result i32) i32.const 8)
  (func (export "fd_allocate") (export "fd_fdstat_set_rights")
    (param i32 i64 i64) (result i32) i32.const 8)
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32) i32.const 8)
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) i32.const 8)
  (func (export "fd_advise") (export "fd_filestat_set_times")
    (param i32 i64 i64 i32) (result i32) i32.const 8)
  (func (export "path_filestat_get") (export "path_symlink") (export "sock_send")
    (param i32 i32 i32 i32 i32) (result i32) i32.const 8)
  (func (export "fd_pread") (export "fd_pwrite") (export "fd_readdir")
    (param i32 i32 i32 i64 i32) (result i32) i32.const 8)
  (func (export "path_readlink") (export "path_rename") (export "sock_recv")
    (param i32 i32 i32 i32 i32 i32) (result i32) i32.const 8)
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 8)
  (func (export "path_filestat_set_times")
    (param i32 i32 i32 i32 i64 i64 i32) (result i32) i32.const 8)
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) i32.const 8)
)
