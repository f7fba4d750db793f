"""From the keys and roles of an office's description to the next version of its identity."""

from datetime import datetime

from khazana.ledger.office import OfficeFile
from khazana.statement.envelope import NetworkName
from khazana.statement.errors import OfficeRefused
from khazana.statement.identity import Office, OfficeVersion, Role
from khazana.statement.keys import key_id


def next_version(
    file: OfficeFile, so_far: Office | None, *, valid_from: datetime, valid_until: datetime
) -> OfficeVersion:
    """The version that the description asks for: the first, or the one after `so_far`.

    Keys of `so_far` that the description no longer lists simply leave; their past signatures keep
    counting. To revoke a key is another act.
    """
    number = 1 if so_far is None else so_far.newest.version + 1
    ids = {key.id: key_id(bytes.fromhex(key.public_hex)) for key in file.keys}
    try:
        return OfficeVersion(
            id=file.id,
            names=dict(file.name),
            network=NetworkName(file.network.name, file.network.genesis),
            test=file.test or file.network.test,
            version=number,
            previous=None if so_far is None else so_far.newest.digest,
            valid_from=valid_from,
            valid_until=valid_until,
            keys={ids[key.id]: bytes.fromhex(key.public_hex) for key in file.keys},
            roles={
                role.role: Role(frozenset(ids[key] for key in role.keys), role.threshold)
                for role in file.roles
            },
            revoked=frozenset() if so_far is None else so_far.newest.revoked,
        )
    except ValueError as error:
        raise OfficeRefused(version=number, problem=str(error)) from error
