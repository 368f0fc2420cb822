"""What the server says on standard output when it starts: where it is, and on the first start who may use it."""

from __future__ import annotations

import msgspec

from undercroft.serve.prepare import Prepared
from undercroft.settings import Settings


def as_json(settings: Settings, prepared: Prepared) -> str:
    """One JSON object in one line. The secrets are in it on the first start alone."""
    origin = settings.api_origin
    said = {
        "apiUrl": origin,
        "s3Endpoint": settings.s3_endpoint(origin),
        "region": settings.region,
        "consoleUrl": settings.console_origin,
        "email": prepared.email,
        "password": prepared.password,
        "accountId": prepared.account_id,
        "masterApplicationKey": prepared.master_application_key,
        "keyId": prepared.key_id,
        "applicationKey": prepared.application_key,
    }
    return msgspec.json.encode({name: value for name, value in said.items() if value is not None}).decode()


def as_text(settings: Settings, prepared: Prepared) -> str:
    """The same for people, with lines to paste on the first start."""
    where = f"API      {settings.api_origin}\nConsole  {settings.console_origin}\nData     {settings.data}\n"
    if not prepared.is_first_start:
        return f"Undercroft is serving.\n\n{where}"
    origin = settings.api_origin
    endpoint = settings.s3_endpoint(origin)
    key_id, key, region = prepared.key_id, prepared.application_key, settings.region
    return f"""Undercroft is serving for the first time. What follows is shown only this once.

{where}
Sign in to the console
  email            {prepared.email}
  password         {prepared.password}

Application key (works with both APIs)
  keyID            {key_id}
  applicationKey   {key}
  endpoint         {endpoint}
  region           {region}

Master application key (B2 Native API only)
  keyID            {prepared.account_id}
  applicationKey   {prepared.master_application_key}

Paste one of these to begin:

# aws
export AWS_ACCESS_KEY_ID={key_id} AWS_SECRET_ACCESS_KEY={key}
export AWS_ENDPOINT_URL={endpoint} AWS_DEFAULT_REGION={region}
aws s3 mb s3://my-first-bucket && aws s3 cp /etc/hostname s3://my-first-bucket/hello.txt

# b2
export B2_APPLICATION_KEY_ID={key_id} B2_APPLICATION_KEY={key} B2_ENVIRONMENT={origin}
b2 bucket create my-first-bucket allPrivate && b2 file upload my-first-bucket /etc/hostname hello.txt

# boto3
import boto3
s3 = boto3.client("s3", endpoint_url="{endpoint}", region_name="{region}",
                  aws_access_key_id="{key_id}", aws_secret_access_key="{key}")

# rclone
export RCLONE_CONFIG_UNDERCROFT_TYPE=s3 RCLONE_CONFIG_UNDERCROFT_PROVIDER=Other
export RCLONE_CONFIG_UNDERCROFT_ENDPOINT={endpoint} RCLONE_CONFIG_UNDERCROFT_REGION={region}
export RCLONE_CONFIG_UNDERCROFT_ACCESS_KEY_ID={key_id} RCLONE_CONFIG_UNDERCROFT_SECRET_ACCESS_KEY={key}
rclone mkdir undercroft:my-first-bucket && rclone copy /etc/hostname undercroft:my-first-bucket
"""
