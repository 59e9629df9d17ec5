use super::*;
use proptest::prelude::*;

fn told(address: &str, reach: Reach) -> String {
    refusal(address.parse().unwrap(), reach).map(|refusal| refusal.to_string()).unwrap_or_default()
}

#[test]
fn public_addresses_are_free() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.114.0",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2003::1",
        "3ffe::1",
        "64:ff9b::808:808",
        "2002:808:808::1",
        // Teredo: server 65.54.227.120, client 8.8.8.8 in its inverted form.
        "2001:0:4136:e378:8000:63bf:f7f7:f7f7",
    ] {
        assert_eq!(told(address, Reach::Public), "", "{address}");
    }
}

#[test]
fn what_is_not_public_needs_a_grant_that_says_so() {
    for (address, what) in [
        ("10.0.0.0", "private"),
        ("10.255.255.255", "private"),
        ("100.64.0.0", "shared"),
        ("100.127.255.255", "shared"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.255", "loopback"),
        ("168.63.129.16", "metadata"),
        ("169.254.169.254", "metadata"),
        ("169.254.0.1", "link-local"),
        ("172.16.0.0", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.192", "protocol assignments"),
        ("192.0.2.1", "documentation"),
        ("192.88.99.1", "6to4"),
        ("192.168.0.1", "private"),
        ("198.18.0.0", "benchmarking"),
        ("198.19.255.255", "benchmarking"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.254", "reserved"),
        ("::1", "loopback"),
        ("::8.8.8.8", "reserved"),
        ("::10.0.0.1", "carries 10.0.0.1, which is private"),
        ("::127.0.0.1", "carries 127.0.0.1, which is loopback"),
        ("::ffff:127.0.0.1", "is 127.0.0.1, which is loopback"),
        ("::ffff:169.254.169.254", "is 169.254.169.254, which is the metadata"),
        ("::ffff:0:127.0.0.1", "carries 127.0.0.1, which is loopback"),
        ("::ffff:0:8.8.8.8", "reserved"),
        ("64:ff9b::10.0.0.1", "carries 10.0.0.1, which is private"),
        ("64:ff9b::a9fe:a9fe", "carries 169.254.169.254, which is the metadata"),
        ("64:ff9b:1::8.8.8.8", "NAT64 of a local network"),
        ("64:ff9b:2::1", "reserved"),
        ("2002:7f00:1::", "carries 127.0.0.1, which is loopback"),
        ("2002:c0a8:101::1", "carries 192.168.1.1, which is private"),
        // Teredo: by its server, and by its client.
        ("2001:0:a00:1::f7f7:f7f7", "carries 10.0.0.1, which is private"),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", "carries 127.0.0.1, which is loopback"),
        ("2001:470::5efe:10.0.0.1", "carries 10.0.0.1, which is private"),
        ("2001:470::200:5efe:127.0.0.1", "carries 127.0.0.1, which is loopback"),
        ("100::1", "discarding"),
        ("100:0:0:1::1", "reserved"),
        ("2001:2::1", "benchmarking"),
        ("2001:10::1", "protocol assignments"),
        ("2001:20::1", "protocol assignments"),
        ("2001:1ff::1", "protocol assignments"),
        ("2001:db8::1", "documentation"),
        ("3fff::1", "documentation"),
        ("5f00::1", "segment routing"),
        ("4000::1", "reserved"),
        ("8000::1", "reserved"),
        ("e000::1", "reserved"),
        ("fc00::1", "unique local"),
        ("fd00:ec2::254", "metadata"),
        ("fd20:ce::254", "unique local"),
        ("fe80::1", "link-local"),
        ("fec0::1", "site-local"),
    ] {
        let message = told(address, Reach::Public);
        assert!(message.contains(what), "{address}: {message:?}");
        assert_eq!(told(address, Reach::Private), "", "{address}");
    }
}

#[test]
fn some_addresses_no_grant_opens() {
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "224.0.0.1",
        "239.255.255.255",
        "255.255.255.255",
        "::",
        "::2",
        "::ffff:0.0.0.0",
        "::224.0.0.1",
        "64:ff9b::",
        "64:ff9b::224.0.0.1",
        "2002:e000:1::",
        "2002:ffff:ffff::",
        "ff00::1",
        "ff02::1",
        "ff0e::1",
    ] {
        for reach in [Reach::Public, Reach::Private] {
            assert_ne!(told(address, reach), "", "{address}");
        }
    }
}

#[test]
fn a_refusal_says_what_the_address_is_and_who_says_so() {
    for (address, message) in [
        ("10.1.2.3", "10.1.2.3 is private (RFC 1918)"),
        ("::ffff:10.1.2.3", "::ffff:10.1.2.3 is 10.1.2.3, which is private (RFC 1918)"),
        ("64:ff9b::a01:203", "64:ff9b::a01:203 carries 10.1.2.3, which is private (RFC 1918)"),
    ] {
        assert_eq!(told(address, Reach::Public), message);
    }
}

#[test]
fn the_documentation_lists_every_range() {
    let page = include_str!("../../../docs/outbound-http.md");
    let row = |range: &Range| {
        let private = if range.always { "never" } else { "yes" };
        format!("| `{range}` | {} | {} | {private} |", range.what, range.source)
    };
    let rows: Vec<String> = Range::all().map(row).collect();
    let listed: Vec<&str> =
        page.lines().filter(|line| line.ends_with(" | yes |") || line.ends_with(" | never |")).collect();
    assert_eq!(listed, rows);
}

proptest! {
    /// The standard library's opinion, as far as it has one.
    #[test]
    fn the_library_agrees(bits in any::<u32>(), six in any::<u128>(), prefix in 0..16_u32) {
        let v4 = Ipv4Addr::from_bits(bits);
        let is_special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_broadcast()
            || v4.is_documentation() || v4.is_unspecified() || v4.is_multicast();
        let v4 = IpAddr::V4(v4);
        prop_assert!(!is_special || refusal(v4, Reach::Public).is_some());

        // Low bits only now and then, since the special ones are few.
        let v6 = Ipv6Addr::from_bits(six >> (prefix * 8));
        let is_special = v6.is_loopback() || v6.is_multicast() || v6.is_unspecified()
            || v6.is_unique_local() || v6.is_unicast_link_local();
        prop_assert!(!is_special || refusal(IpAddr::V6(v6), Reach::Public).is_some());
    }

    #[test]
    fn an_embedded_address_is_no_more_welcome_than_itself(bits in any::<u32>(), low in any::<u64>()) {
        let v4 = Ipv4Addr::from_bits(bits);
        let alone = refusal(IpAddr::V4(v4), Reach::Public).is_some();
        let bits = u128::from(bits);
        let mapped = 0xffff << 32 | bits;
        let nat64 = 0x0064_ff9b << 96 | bits;
        let sixtofour = 0x2002 << 112 | bits << 80 | u128::from(low);
        let teredo = 0x2001_0000 << 96 | 0x0808_0808 << 64 | u128::from(!(bits as u32));
        for carrier in [mapped, nat64, sixtofour, teredo] {
            let v6 = IpAddr::V6(Ipv6Addr::from_bits(carrier));
            prop_assert_eq!(refusal(v6, Reach::Public).is_some(), alone, "{} in {}", v4, v6);
        }
        let compatible = IpAddr::V6(Ipv6Addr::from_bits(bits));
        prop_assert!(refusal(compatible, Reach::Public).is_some());
    }

    #[test]
    fn outside_of_global_unicast_nothing_is_public(bits in any::<u128>()) {
        let v6 = Ipv6Addr::from_bits(bits);
        if bits >> 125 != 1 {
            let refused = refusal(IpAddr::V6(v6), Reach::Public).is_some();
            let is_v4 = v6.to_ipv4_mapped().is_some() || bits >> 32 == 0x0064_ff9b << 64;
            prop_assert!(refused || is_v4, "{}", v6);
        }
    }
}
