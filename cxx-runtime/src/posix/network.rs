//! Addresses of the Internet as text, and look-ups of what needs no network. Sockets are in [`super::system`] and
//! [`crate::process`]: there are none.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ptr;

use super::single_thread_cell::SingleThreadCell;
use crate::cstr;
use crate::errno::{self, fail};

const AF_UNSPEC: c_int = 0;
const AF_INET: c_int = 2;
const AF_INET6: c_int = 10;

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn htons(value: u16) -> u16 {
    value.to_be()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ntohs(value: u16) -> u16 {
    u16::from_be(value)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn htonl(value: u32) -> u32 {
    value.to_be()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ntohl(value: u32) -> u32 {
    u32::from_be(value)
}

fn text_of<'a>(text: *const c_char) -> Option<&'a str> {
    // SAFETY: the caller passes a C string.
    core::str::from_utf8(unsafe { cstr::bytes(text) }).ok()
}

/// The forms of `inet_aton`: one to four parts, decimal, octal or hexadecimal.
fn classic(text: &str) -> Option<Ipv4Addr> {
    let text = text.split_ascii_whitespace().next()?;
    let number = |part: &str| {
        let (digits, radix) = match part.strip_prefix("0x").or(part.strip_prefix("0X")) {
            Some(digits) => (digits, 16),
            None if part.len() > 1 && part.starts_with('0') => (part, 8),
            None => (part, 10),
        };
        u32::from_str_radix(digits, radix)
            .ok()
            .filter(|_| digits.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    };
    let mut parts = text.split('.').rev();
    let last = number(parts.next()?)?;
    let mut bytes = 0;
    let mut address = 0_u32;
    for part in parts.rev() {
        let byte = number(part).filter(|byte| *byte < 256)?;
        address = address << 8 | byte;
        bytes += 1;
    }
    if bytes > 3 {
        return None;
    }
    let bits = 32 - 8 * bytes;
    if bits < 32 && last >> bits != 0 {
        return None;
    }
    let address = if bits == 32 { 0 } else { address << bits };
    Some(Ipv4Addr::from(address | last))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn inet_aton(text: *const c_char, result: *mut [u8; 4]) -> c_int {
    let Some(address) = text_of(text).and_then(classic) else {
        return 0;
    };
    // SAFETY: the caller gives a place for the address.
    unsafe { *result = address.octets() };
    1
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn inet_addr(text: *const c_char) -> u32 {
    text_of(text)
        .and_then(classic)
        .map_or(u32::MAX, |address| u32::from_ne_bytes(address.octets()))
}

static TEXT: SingleThreadCell<[c_char; 16]> = SingleThreadCell::new([0; 16]);

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn inet_ntoa(address: u32) -> *mut c_char {
    let text = format!("{}", Ipv4Addr::from(address.to_ne_bytes()));
    let buffer = TEXT.get().cast();
    // SAFETY: the buffer has 16 bytes.
    unsafe { cstr::store(text.as_bytes(), buffer, 16) };
    buffer
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn inet_pton(family: c_int, text: *const c_char, result: *mut c_void) -> c_int {
    let text = text_of(text).unwrap_or("");
    // SAFETY: the caller gives a place for an address of the family.
    unsafe {
        match family {
            AF_INET => text
                .parse::<Ipv4Addr>()
                .map(|address| result.cast::<[u8; 4]>().write(address.octets())),
            AF_INET6 => text
                .parse::<Ipv6Addr>()
                .map(|address| result.cast::<[u8; 16]>().write(address.octets())),
            _ => return fail(errno::EAFNOSUPPORT),
        }
    }
    .is_ok()
    .into()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn inet_ntop(
    family: c_int,
    address: *const c_void,
    buffer: *mut c_char,
    size: c_uint,
) -> *const c_char {
    // SAFETY: the caller passes an address of the family.
    let address = unsafe {
        match family {
            AF_INET => IpAddr::from(address.cast::<[u8; 4]>().read()),
            AF_INET6 => IpAddr::from(address.cast::<[u8; 16]>().read()),
            _ => {
                errno::set(errno::EAFNOSUPPORT);
                return ptr::null();
            }
        }
    };
    // SAFETY: the caller gives `size` bytes.
    if unsafe { cstr::store(format!("{address}").as_bytes(), buffer, size as usize) } {
        buffer
    } else {
        errno::set(errno::ENOSPC);
        ptr::null()
    }
}

/// `struct addrinfo`.
#[repr(C)]
struct AddressInformation {
    flags: c_int,
    family: c_int,
    kind: c_int,
    protocol: c_int,
    size: c_uint,
    address: *mut SocketAddress,
    name: *mut c_char,
    next: *mut AddressInformation,
}

/// `struct sockaddr_in6`, whose start is that of `struct sockaddr_in`.
#[repr(C)]
#[derive(Clone, Copy)]
struct SocketAddress {
    family: u16,
    port: [u8; 2],
    /// The address of version 4; of version 6 the flow.
    four: [u8; 4],
    six: [u8; 16],
    scope: u32,
}

const EAI_NONAME: c_int = -2;
const EAI_FAMILY: c_int = -6;
const EAI_SERVICE: c_int = -8;
const EAI_OVERFLOW: c_int = -12;
const AI_PASSIVE: c_int = 1;
const SIZE_4: c_uint = 16;
const SIZE_6: c_uint = 28;

/// Numeric hosts, `localhost`, and numeric services: there is nobody to ask for others.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getaddrinfo(
    host: *const c_char,
    service: *const c_char,
    hints: *const AddressInformation,
    result: *mut *mut AddressInformation,
) -> c_int {
    // SAFETY: the caller passes null or hints.
    let (flags, family, kind, protocol) = unsafe { hints.as_ref() }
        .map_or((0, AF_UNSPEC, 0, 0), |hints| {
            (hints.flags, hints.family, hints.kind, hints.protocol)
        });
    let port = if service.is_null() {
        0
    } else {
        match text_of(service).and_then(|text| text.parse::<u16>().ok()) {
            Some(port) => port,
            None => return EAI_SERVICE,
        }
    };
    let address = if host.is_null() {
        if service.is_null() {
            return EAI_NONAME;
        }
        match (family == AF_INET6, flags & AI_PASSIVE != 0) {
            (false, false) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            (false, true) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            (true, false) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            (true, true) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        }
    } else {
        let text = text_of(host).unwrap_or("");
        let numeric = classic(text)
            .map(IpAddr::V4)
            .or_else(|| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6));
        match numeric {
            Some(address) => address,
            None if text == "localhost" && family == AF_INET6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
            None if text == "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            None => return EAI_NONAME,
        }
    };
    let port = port.to_be_bytes();
    let (found_family, size, socket_address) = match address {
        IpAddr::V4(four) => (
            AF_INET,
            SIZE_4,
            SocketAddress {
                family: AF_INET as u16,
                port,
                four: four.octets(),
                six: [0; 16],
                scope: 0,
            },
        ),
        IpAddr::V6(six) => (
            AF_INET6,
            SIZE_6,
            SocketAddress {
                family: AF_INET6 as u16,
                port,
                four: [0; 4],
                six: six.octets(),
                scope: 0,
            },
        ),
    };
    if ![AF_UNSPEC, found_family].contains(&family) {
        return EAI_FAMILY;
    }
    let information = Box::new(AddressInformation {
        flags,
        family: found_family,
        kind: if kind == 0 { 1 } else { kind },
        protocol,
        size,
        address: Box::into_raw(Box::new(socket_address)),
        name: ptr::null_mut(),
        next: ptr::null_mut(),
    });
    // SAFETY: the caller gives a place for the result.
    unsafe { *result = Box::into_raw(information) };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn freeaddrinfo(mut information: *mut AddressInformation) {
    while !information.is_null() {
        // SAFETY: the caller passes what `getaddrinfo` has made.
        unsafe {
            let first = Box::from_raw(information);
            drop(Box::from_raw(first.address));
            information = first.next;
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn gai_strerror(error: c_int) -> *const c_char {
    let text: &CStr = match error {
        0 => c"Success",
        EAI_NONAME => c"Name or service not known",
        EAI_FAMILY => c"ai_family not supported",
        EAI_SERVICE => c"Servname not supported for ai_socktype",
        EAI_OVERFLOW => c"Argument buffer overflow",
        _ => c"Unknown error",
    };
    text.as_ptr()
}

/// Always in numbers.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getnameinfo(
    address: *const SocketAddress,
    _size: c_uint,
    host: *mut c_char,
    host_size: c_uint,
    service: *mut c_char,
    service_size: c_uint,
    _flags: c_int,
) -> c_int {
    // SAFETY: the caller passes an address of its family, and null or so many bytes.
    unsafe {
        let text: String = match c_int::from((*address).family) {
            AF_INET => format!("{}", Ipv4Addr::from((*address).four)),
            AF_INET6 => format!("{}", Ipv6Addr::from((*address).six)),
            _ => return EAI_FAMILY,
        };
        let port = format!("{}", u16::from_be_bytes((*address).port));
        for (text, buffer, size) in [(text, host, host_size), (port, service, service_size)] {
            if !buffer.is_null() && !cstr::store(text.as_bytes(), buffer, size as usize) {
                return EAI_OVERFLOW;
            }
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_their_classic_forms() {
        let shown = |text| classic(text).map(|address| address.octets());
        assert_eq!(shown("127.0.0.1"), Some([127, 0, 0, 1]));
        assert_eq!(shown("127.1"), Some([127, 0, 0, 1]));
        assert_eq!(shown("0x7f000001"), Some([127, 0, 0, 1]));
        assert_eq!(shown("010.1.2"), Some([8, 1, 0, 2]));
        for bad in ["256.1.1.1", "1.2.3.4.5", "", "a.b", "1.2.3.256", "1..2"] {
            assert_eq!(shown(bad), None, "{bad}");
        }
    }
}
