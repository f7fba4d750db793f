"""Specter's wallet file (JSON), which Sparrow and others write and read as well.

{"label": "Cold", "blockheight": 0, "descriptor": "wsh(...)#checksum",
 "devices": [{"type": "coldcard", "label": "Anna"}, ...]}

The descriptor names the receiving branch /0/*, all branches, or none; change is /1/*.
"""

import json
from collections.abc import Mapping
from typing import Any

from khazana.bitcoin.descriptor import DescriptorEngine, parse_descriptor
from khazana.bitcoin.network import Network
from khazana.bitcoin.secrets import refuse_secrets_in_values
from khazana.custody.imports.branches import joined, with_branches, with_change
from khazana.custody.imports.wallet import ExportRefused, ImportedWallet, imported

FORMAT = "Specter wallet file"


def read_specter(
    file: str, text: str, network: Network, engine: DescriptorEngine
) -> ImportedWallet:
    """The wallet of a Specter file, with the devices' labels as names of the keys, in order."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        line = wrong.lineno if isinstance(wrong, json.JSONDecodeError) else 1
        raise ExportRefused(file=file, line=line, problem="is not JSON") from None
    refuse_secrets_in_values(values, where=file)
    if not isinstance(values, dict):
        raise ExportRefused(file=file, line=1, problem="is not a JSON object {...}")
    body, notes = _descriptor(file, values, network)
    label = values.get("label", values.get("name"))
    return imported(
        body,
        network,
        engine,
        file=file,
        line=1,
        format=FORMAT,
        name=label if isinstance(label, str) and label else None,
        key_labels=_device_labels(values),
        notes=notes,
    )


def _descriptor(
    file: str, values: Mapping[str, Any], network: Network
) -> tuple[str, tuple[str, ...]]:
    single = values.get("descriptor")
    receive, change = values.get("recv_descriptor"), values.get("change_descriptor")
    if isinstance(single, str):
        stated = parse_descriptor(single, network).body  # judges the checksum as it was written
        if (filled := with_branches(stated)) is not None:
            return filled, ("the file names no branches; /0/* and /1/* are its program's",)
        if (filled := with_change(stated)) is not None:
            return filled, ("the file names /0/* only; change at /1/* is its program's",)
        return stated, ()
    if isinstance(receive, str) and isinstance(change, str):
        both = joined(
            parse_descriptor(receive, network).body, parse_descriptor(change, network).body
        )
        if both is not None:
            return both, ()
        problem = "change_descriptor is not the change branch of recv_descriptor"
        raise ExportRefused(file=file, line=1, problem=problem)
    raise ExportRefused(file=file, line=1, problem='has no "descriptor"')


def _device_labels(values: Mapping[str, Any]) -> list[str]:
    devices = values.get("devices")
    labels = [
        device.get("label") if isinstance(device, dict) else device
        for device in (devices if isinstance(devices, list) else ())
    ]
    return [label if isinstance(label, str) else "" for label in labels] if all(labels) else []
