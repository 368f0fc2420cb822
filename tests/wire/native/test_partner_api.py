"""Groups on a running server: made by the operator, administered by an account, used by its members."""

from __future__ import annotations

from harness.native_session import Session
from harness.s3_raw import make_client
from harness.server import run_command


def test_a_partner_makes_a_member_whose_key_works_in_both_protocols(server, home, new_name, new_email):
    def run(*command):
        return run_command("group", *command, "--data", str(server.data_dir), home=home)

    email, customer_email = new_email("partner"), new_email("customer")
    made = server.create_account(email)
    group = run("create", "customers", "--admin", email)
    partner = Session(server.api_url, made["keyId"], made["applicationKey"], "v3")
    api = partner.authorize().ok()["apiInfo"]["groupsApi"]
    assert api == {"capabilities": ["all"], "groupsApiUrl": server.api_url, "infoType": "groupsApi"}
    about = {"adminAccountId": made["accountId"], "groupId": group["groupId"]}
    [created] = partner.call("b2_create_group_member", **about, memberEmail=customer_email).json
    member = created["groupMember"]
    [row] = [row for row in run("list")["groups"] if row["groupId"] == group["groupId"]]
    assert row["memberCount"] == 1
    assert run("members", group["groupId"])["groupMembers"][0]["accountId"] == member["accountId"]
    name = new_name("member")
    s3 = make_client(server, created["applicationKeyId"], created["applicationKey"])
    s3.create_bucket(Bucket=name)
    customer = Session(server.api_url, created["applicationKeyId"], created["applicationKey"])
    assert [
        row["bucketName"] for row in customer.call("b2_list_buckets", accountId=member["accountId"]).ok()["buckets"]
    ] == [name]
    [listed] = partner.get("b2_list_group_members", **about).json
    assert [row["accountId"] for row in listed["groupMembers"]] == [member["accountId"]]
    assert partner.get("b2_list_groups", adminAccountId=made["accountId"]).ok()["groups"][0]["groupName"] == "customers"
    ejected = partner.call("b2_eject_group_member", **about, memberAccountId=member["accountId"])
    assert ejected.ok()["accountId"] == member["accountId"]
    assert customer.authorize().status == 200
    run("delete", group["groupId"])
    assert "groupsApi" not in partner.authorize().ok()["apiInfo"]
