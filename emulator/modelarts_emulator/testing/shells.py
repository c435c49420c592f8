"""The settings that point unmodified clients at the emulator, written for a shell, a file or Terraform."""

import json

FORMATS = ("bash", "fish", "powershell", "dotenv", "plain", "json", "hcl")
SERVICES = ("MODELARTS", "PANGULARGEMODELS", "MASTUDIO", "IAM")


def variables(environment: dict) -> dict:
    """{environment variable: value} for the official SDKs, OBS tools and Terraform."""
    region = environment["region"].upper().replace("-", "_")
    endpoint, obs = environment["endpoint"], environment["obs_endpoint"]
    access_key, secret_key = environment["access_key"], environment["secret_key"]
    return {
        **{f"HUAWEICLOUD_SDK_REGION_{service}_{region}": endpoint for service in SERVICES},
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": endpoint,
        "HUAWEICLOUD_SDK_AK": access_key,
        "HUAWEICLOUD_SDK_SK": secret_key,
        "HUAWEICLOUD_SDK_PROJECT_ID": environment["project_id"],
        "HUAWEICLOUD_SDK_DOMAIN_ID": environment["domain_id"],
        "HW_ACCESS_KEY": access_key,
        "HW_SECRET_KEY": secret_key,
        "HW_REGION_NAME": environment["region"],
        "HW_PROJECT_ID": environment["project_id"],
        "HW_PROJECT_NAME": environment["project_name"],
        "HW_DOMAIN_ID": environment["domain_id"],
        "HW_DOMAIN_NAME": environment["domain_name"],
        "HW_USER_NAME": environment["user_name"],
        "HW_USER_PASSWORD": environment["user_password"],
        "HW_AUTH_URL": f"{endpoint}/v3",
        "OBS_ENDPOINT": obs,
        "OBS_ACCESS_KEY_ID": access_key,
        "OBS_SECRET_ACCESS_KEY": secret_key,
        # Of AWS only what S3 clients read: other services are not here.
        "AWS_ENDPOINT_URL_S3": obs,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_DEFAULT_REGION": environment["region"],
        "MAAS_BASE_URL": f"{endpoint}/v1",
        "MAAS_API_KEY": environment["maas_api_key"],
        "OPENAI_BASE_URL": f"{endpoint}/v1",
        "OPENAI_API_KEY": environment["maas_api_key"],
        "ANTHROPIC_BASE_URL": f"{endpoint}/anthropic",
        "ANTHROPIC_AUTH_TOKEN": environment["maas_api_key"],
        "EMULATOR_URL": endpoint,
        "EMULATOR_OBS_URL": obs,
    }


def written(environment: dict, shell: str, trusted: dict[str, str] | None = None) -> str:
    """The settings as text for one of FORMATS, ending with a line end; trusted: variables about certificates."""
    if shell == "json":
        return json.dumps(environment | ({"trust": trusted} if trusted else {}), indent=2) + "\n"
    if shell == "hcl":
        return provider_block(environment)
    line = {
        "bash": "export {name}='{value}'",
        "fish": "set -gx {name} '{value}'",
        "powershell": "$env:{name} = '{value}'",
        "dotenv": '{name}="{value}"',
        # For files whose readers take a value as it stands, such as $GITHUB_ENV and docker run --env-file.
        "plain": "{name}={value}",
    }[shell]
    return "".join(
        line.format(name=name, value=value) + "\n"
        for name, value in (variables(environment) | (trusted or {})).items()
    )


def provider_block(environment: dict) -> str:
    """A Terraform provider block with every endpoint the emulator serves."""
    endpoints = {
        "iam": environment["endpoint"] + "/",
        "modelarts": environment["endpoint"] + "/",
        "modelartsv2": environment["endpoint"] + "/",
        "obs": environment["obs_endpoint"] + "/",
    }
    values = {
        "region": environment["region"],
        "project_id": environment["project_id"],
        "project_name": environment["project_name"],
        "domain_id": environment["domain_id"],
        "domain_name": environment["domain_name"],
        "access_key": environment["access_key"],
        "secret_key": environment["secret_key"],
        "auth_url": f"{environment['endpoint']}/v3",
    }
    lines = [f'  {name} = "{value}"' for name, value in values.items()]
    inner = [f'    {name} = "{value}"' for name, value in endpoints.items()]
    return "\n".join(['provider "huaweicloud" {', *lines, "  endpoints = {", *inner, "  }", "}", ""])
