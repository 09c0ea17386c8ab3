"""Replication of a Cinder backend by ontap-data-motion: a mixin for volume drivers, to be copied.

    class Driver(ReplicatedBackend, MyVolumeDriver):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            motion = DataMotion(cfg.CONF.config_file[0], journal="/var/lib/cinder/datamotion")
            self.set_up_replication(motion, self.backend_name, kwargs.get("active_backend_id"))

Cinder keeps calling what it calls: check_for_setup_error, failover_host, failover, failover_completed, and every ten minutes
handle_housekeeping_tasks. The values are Cinder's own.
"""

from datamotion import DataMotionError

try:
    from cinder import exception
except ImportError:

    class exception:  # noqa: N801  Stand-ins of the same names, where Cinder is not installed.
        class VolumeDriverException(Exception):
            def __init__(self, message=None, **kwargs):
                super().__init__(message or kwargs.get("reason"))

        class InvalidReplicationTarget(VolumeDriverException):
            pass

        class UnableToFailOver(VolumeDriverException):
            pass

        class InvalidVolume(VolumeDriverException):
            pass


class NetAppDriverException(exception.VolumeDriverException):
    pass


EXCEPTIONS = {
    "InvalidReplicationTarget": exception.InvalidReplicationTarget,
    "UnableToFailOver": exception.UnableToFailOver,
    "InvalidVolume": exception.InvalidVolume,
    "NetAppDriverException": NetAppDriverException,
}


class ReplicatedBackend:
    """What Cinder asks of a driver that replicates."""

    def set_up_replication(self, motion, backend, active_backend_id=None, accepted_losses=None):
        self._motion = motion
        self._replicated = backend
        self._accepted_losses = accepted_losses
        self.failover_completed(None, active_backend_id)

    def check_for_setup_error(self):
        self._cinder("check_for_setup_error")

    def get_replication_stats(self):
        """For _update_volume_stats: replication_enabled, replication_count, replication_targets, replication_type."""
        return self._cinder("get_replication_stats")

    def failover_host(self, context, volumes, secondary_id=None, groups=None):
        active, updates, group_updates = self.failover(context, volumes, secondary_id, groups)
        self.failover_completed(context, active)
        return active, updates, group_updates

    def failover(self, context, volumes, secondary_id=None, groups=None):
        rows = [{"id": volume["id"], "host": volume["host"]} for volume in volumes]
        return tuple(
            self._cinder("failover", volumes=rows, secondary_id=secondary_id, acknowledge=self._accepted_losses)
        )

    def failover_completed(self, context, active_backend_id=None):
        own = active_backend_id in (None, "", "default", self._replicated)
        self.active_backend_id = None if own else active_backend_id

    def handle_housekeeping_tasks(self):
        """Repeat it every ten minutes. What could not be done for a mirror is in its entry."""
        return self._cinder("handle_housekeeping_tasks")

    def migrate_volume(self, context, volume, host):
        row = {key: volume[key] for key in ("id", "host", "name", "status")}
        return tuple(self._cinder("migrate_volume", volume=row, host=host["host"]))

    def stop_writers(self, about):
        """Override: nobody may write to about["volumes"] any more when it returns. A failback asks for it; what is raised stops it."""

    def start_writers(self, about):
        """Override: writers may go on at about["backend"]."""

    def _cinder(self, method, acknowledge=None, **params):
        options = {} if acknowledge is None else {"acknowledge": acknowledge}
        hooks = None
        if method == "failover":
            hooks = {"stopWriters": self.stop_writers, "startWriters": self.start_writers}
        try:
            return self._motion.call(
                f"cinder.{method}",
                hooks=hooks,
                backend=self._replicated,
                active_backend_id=self.active_backend_id,
                options=options,
                **params,
            )
        except DataMotionError as error:
            known = EXCEPTIONS.get(error.data.get("exception"), NetAppDriverException)
            raise known(reason=str(error)) from error
