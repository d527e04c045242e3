//! Which addresses of the network are public, and not of this machine, its neighbours or whoever runs it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

/// What is not public, after IANA's special-purpose registry, and a metadata service with a public address.
const NOT_PUBLIC_V4: [Ipv4Net; 17] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10), // shared by carriers
    v4(127, 0, 0, 0, 8),
    v4(168, 63, 129, 16, 32), // Azure's metadata
    v4(169, 254, 0, 0, 16),   // this link, and most metadata
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),   // documentation
    v4(192, 88, 99, 0, 24), // relays to 6to4
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4), // multicast
    v4(240, 0, 0, 0, 4),
    v4(255, 255, 255, 255, 32),
];

const fn v6(a: u16, b: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

/// All that is public in version 6, and what of it is not. What leads on to version 4 (mapped, NAT64, Teredo, 6to4)
/// is outside or among the exceptions.
const PUBLIC_V6: Ipv6Net = v6(0x2000, 0, 3);
const NOT_PUBLIC_V6: [Ipv6Net; 4] = [
    v6(0x2001, 0, 23), // Teredo and other protocols
    v6(0x2001, 0xdb8, 32),
    v6(0x2002, 0, 16), // 6to4
    v6(0x3fff, 0, 20), // documentation
];

/// Whether anyone may be sent to an address because someone else named it.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => {
            PUBLIC_V6.contains(&address) && !NOT_PUBLIC_V6.iter().any(|net| net.contains(&address))
        }
    }
}
