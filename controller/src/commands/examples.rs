//! The examples below each command's help. A test holds every line that begins with the program's name to the definition.

pub(super) const ALL: &str = "\
Examples:
  netghost-controller init --name controller.example.org
  netghost-controller serve --check-config
  netghost-controller user add ada --role admin

As root, commands act as the user who owns the state directory, so that the service can use what they write.

Exit status:
  0  done
  1  something to act on: the audit log was edited
  2  wrong use, or a configuration that can't be used
  4  the operation failed";

pub(super) const INIT: &str = "\
Makes a certificate authority, a key that signs certificates of drift, and an empty store, and overwrites nothing. The names \
are those under which agents and people will reach it; the configuration's `names` come before them.

Examples:
  netghost-controller init
  netghost-controller init --name controller.example.org --name 10.0.0.4 --domain example.org";

pub(super) const SERVE: &str = "\
SIGTERM or SIGINT stops it: no more connections are taken, agents are told, running calls end. A second one stops it at once.

Examples:
  netghost-controller serve
  netghost-controller serve --check-config --config ./controller.toml";

pub(super) const USER: &str = "\
Examples:
  netghost-controller user add ada --role operator
  netghost-controller user list";

pub(super) const USER_ADD: &str = "\
The answer is a token for `netghost login`, which works once, within a day. It is shown here and kept nowhere. For somebody \
who is known, with their role, it lets in one more machine.

Examples:
  netghost-controller user add ada --role admin
  netghost-controller user add ada --role admin > ada.token";

pub(super) const USER_REVOKE: &str = "\
At once: every certificate and every login token of theirs is refused from now on.

Example:
  netghost-controller user revoke ada --reason left";

pub(super) const USER_LIST: &str = "\
Example:
  netghost-controller user list -o json";

pub(super) const BACKUP: &str = "\
A new directory with the rows, objects, authority and keys as they are at one time, and SHA256SUMS over them. It holds private \
keys: keep it as secret as the store. With PostgreSQL it holds no rows; take these with pg_dump first, then \
`backup --files-only`.

Examples:
  netghost-controller backup /srv/backup/monday
  netghost-controller backup --files-only /srv/backup/monday";

pub(super) const RESTORE: &str = "\
Checks every sum, the audit log, and that every object that anything names is there, and only then puts anything in place. \
Agents that saw a later audit log than the backup's will say so: the conflict is written down.

Example:
  netghost-controller restore /srv/backup/monday";

pub(super) const AUDIT: &str = "\
Example:
  netghost-controller audit verify";

pub(super) const AUDIT_VERIFY: &str = "\
Every record, every signed head, by the keys that the store publishes. Whoever can write the store can publish a key of their \
own: `netghost audit verify` checks from outside, by the keys and heads that it has seen. Status 1: the log is not what was \
written.

Example:
  netghost-controller audit verify -o json";

pub(super) const KEY: &str = "\
Examples:
  netghost-controller key rotate
  netghost-controller key trust ./key.pub.pem";

pub(super) const KEY_ROTATE: &str = "\
The old key stays published, so that what it signed can still be verified. A controller that runs takes the new one when it \
is started again.

Example:
  netghost-controller key rotate";

pub(super) const KEY_TRUST: &str = "\
Baselines that another controller exported can be imported once its key is trusted here. An export holds the key, but who edited \
an export can have put in a key of their own: take the file from somebody who vouches for it, or compare the id that is printed with \
that of a key which is pinned where somebody logged in at the other controller. It counts at once, also for a controller that \
runs, and is written down.

Example:
  netghost-controller key trust ./key.pub.pem";

pub(super) const COMPLETIONS: &str = "\
Example:
  netghost-controller completions bash";

pub(super) const MAN: &str = "\
Example:
  netghost-controller man ./man1";
