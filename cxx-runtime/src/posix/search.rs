//! `search.h`: hash tables, binary trees, linear search and doubly linked lists.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ffi::{c_char, c_int, c_void};
use core::ptr;

use super::single_thread_cell::SingleThreadCell;
use crate::cstr;
use crate::errno;
use crate::heap;

/// `ENTRY`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Entry {
    key: *mut c_char,
    data: *mut c_void,
}

/// The entries by the bytes of their keys. They stay where they are: `hsearch` returns their addresses.
struct Table {
    entries: BTreeMap<Vec<u8>, Box<Entry>>,
}

/// `struct hsearch_data`.
#[repr(C)]
struct TableHandle {
    table: *mut Table,
}

static OWN_TABLE: SingleThreadCell<TableHandle> = SingleThreadCell::new(TableHandle {
    table: ptr::null_mut(),
});

const ENTER: c_int = 1;

/// The size is a hint that this table does not need.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn hcreate_r(_count: usize, handle: *mut TableHandle) -> c_int {
    let table = Box::new(Table {
        entries: BTreeMap::new(),
    });
    // SAFETY: the caller gives a place for the handle.
    unsafe { (*handle).table = Box::into_raw(table) };
    1
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn hdestroy_r(handle: *mut TableHandle) {
    // SAFETY: the caller passes a handle whose table was made above, or is null.
    unsafe {
        let table = core::mem::replace(&mut (*handle).table, ptr::null_mut());
        if !table.is_null() {
            drop(Box::from_raw(table));
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn hsearch_r(
    item: Entry,
    action: c_int,
    result: *mut *mut Entry,
    handle: *mut TableHandle,
) -> c_int {
    // SAFETY: the caller passes a C string as the key, a handle, and a place for the result.
    unsafe {
        *result = ptr::null_mut();
        let Some(table) = (*handle).table.as_mut() else {
            errno::set(errno::ESRCH);
            return 0;
        };
        let key = cstr::bytes(item.key);
        if action == ENTER && !table.entries.contains_key(key) {
            table.entries.insert(key.to_vec(), Box::new(item));
        }
        let Some(entry) = table.entries.get_mut(key) else {
            errno::set(errno::ESRCH);
            return 0;
        };
        *result = &raw mut **entry;
        1
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn hcreate(count: usize) -> c_int {
    hdestroy();
    // SAFETY: it is the place of the own handle.
    unsafe { hcreate_r(count, OWN_TABLE.get()) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn hdestroy() {
    // SAFETY: it is the own handle.
    unsafe { hdestroy_r(OWN_TABLE.get()) };
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn hsearch(item: Entry, action: c_int) -> *mut Entry {
    let mut result = ptr::null_mut();
    // SAFETY: the caller passes a C string as the key.
    unsafe { hsearch_r(item, action, &raw mut result, OWN_TABLE.get()) };
    result
}

type Compare = extern "C" fn(*const c_void, *const c_void) -> c_int;

/// A node of a tree. POSIX: its first field is the key.
#[repr(C)]
struct Node {
    key: *const c_void,
    left: *mut Node,
    right: *mut Node,
    /// Of the node and what is below it: the tree is an AA-tree, whose depth is at most twice the logarithm.
    level: usize,
}

/// The left child moves up if it is on the node's own level.
unsafe fn skew(node: *mut Node) -> *mut Node {
    // SAFETY: the caller passes null or a node of a tree.
    unsafe {
        if node.is_null() || (*node).left.is_null() || (*(*node).left).level != (*node).level {
            return node;
        }
        let left = (*node).left;
        (*node).left = (*left).right;
        (*left).right = node;
        left
    }
}

/// The right child moves up if two of them in a row are on the node's own level.
unsafe fn split(node: *mut Node) -> *mut Node {
    // SAFETY: the caller passes null or a node of a tree.
    unsafe {
        if node.is_null() {
            return node;
        }
        let right = (*node).right;
        if right.is_null() || (*right).right.is_null() || (*(*right).right).level != (*node).level {
            return node;
        }
        (*node).right = (*right).left;
        (*right).left = node;
        (*right).level += 1;
        right
    }
}

fn new_node(key: *const c_void) -> *mut Node {
    let node = heap::malloc(size_of::<Node>()).cast::<Node>();
    if !node.is_null() {
        // SAFETY: the block has room for a node.
        unsafe {
            node.write(Node {
                key,
                left: ptr::null_mut(),
                right: ptr::null_mut(),
                level: 1,
            });
        }
    }
    node
}

/// The new root; `found` is the node with the key.
unsafe fn insert(
    root: *mut Node,
    key: *const c_void,
    compare: Compare,
    found: &mut *mut Node,
) -> *mut Node {
    if root.is_null() {
        *found = new_node(key);
        return *found;
    }
    // SAFETY: the root is a node.
    unsafe {
        match compare(key, (*root).key) {
            0 => {
                *found = root;
                root
            }
            ..0 => {
                (*root).left = insert((*root).left, key, compare, found);
                split(skew(root))
            }
            _ => {
                (*root).right = insert((*root).right, key, compare, found);
                split(skew(root))
            }
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn tsearch(
    key: *const c_void,
    root: *mut *mut Node,
    compare: Compare,
) -> *mut Node {
    if root.is_null() {
        return ptr::null_mut();
    }
    let mut found = ptr::null_mut();
    // SAFETY: the caller passes the place of a root.
    unsafe { *root = insert(*root, key, compare, &mut found) };
    found
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn tfind(
    key: *const c_void,
    root: *const *mut Node,
    compare: Compare,
) -> *mut Node {
    if root.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: the caller passes the place of a root, and all below are nodes.
    unsafe {
        let mut node = *root;
        while !node.is_null() {
            node = match compare(key, (*node).key) {
                0 => return node,
                ..0 => (*node).left,
                _ => (*node).right,
            };
        }
    }
    ptr::null_mut()
}

/// Lowers the level of a node that has lost a child, and mends what is to its right.
unsafe fn rebalance(mut node: *mut Node) -> *mut Node {
    // SAFETY: the caller passes a node of a tree.
    unsafe {
        let level = |node: *mut Node| if node.is_null() { 0 } else { (*node).level };
        let should_be = level((*node).left).min(level((*node).right)) + 1;
        if should_be < (*node).level {
            (*node).level = should_be;
            let right = (*node).right;
            if should_be < level(right) {
                (*right).level = should_be;
            }
        }
        node = skew(node);
        (*node).right = skew((*node).right);
        if !(*node).right.is_null() {
            (*(*node).right).right = skew((*(*node).right).right);
        }
        node = split(node);
        (*node).right = split((*node).right);
        node
    }
}

/// What `tdelete` finds on its way.
struct Deletion {
    removed: *mut Node,
    parent: *mut Node,
}

/// Takes the lowest node out; returns the new root.
unsafe fn take_lowest(root: *mut Node, lowest: &mut *mut Node) -> *mut Node {
    // SAFETY: the caller passes a node of a tree.
    unsafe {
        if (*root).left.is_null() {
            *lowest = root;
            return (*root).right;
        }
        (*root).left = take_lowest((*root).left, lowest);
        rebalance(root)
    }
}

unsafe fn delete(
    root: *mut Node,
    key: *const c_void,
    compare: Compare,
    deletion: &mut Deletion,
) -> *mut Node {
    if root.is_null() {
        return root;
    }
    // SAFETY: the root is a node.
    unsafe {
        match compare(key, (*root).key) {
            0 => {
                deletion.removed = root;
                if (*root).right.is_null() {
                    return (*root).left;
                }
                let mut lowest = ptr::null_mut();
                let right = take_lowest((*root).right, &mut lowest);
                (*lowest).left = (*root).left;
                (*lowest).right = right;
                (*lowest).level = (*root).level;
                return rebalance(lowest);
            }
            order => {
                deletion.parent = root;
                if order < 0 {
                    (*root).left = delete((*root).left, key, compare, deletion);
                } else {
                    (*root).right = delete((*root).right, key, compare, deletion);
                }
            }
        }
        if deletion.removed.is_null() {
            root
        } else {
            rebalance(root)
        }
    }
}

/// The node that was above the removed one; of the root, something that is not null.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn tdelete(
    key: *const c_void,
    root: *mut *mut Node,
    compare: Compare,
) -> *mut Node {
    if root.is_null() {
        return ptr::null_mut();
    }
    let mut deletion = Deletion {
        removed: ptr::null_mut(),
        parent: ptr::null_mut(),
    };
    // SAFETY: the caller passes the place of a root; the removed node came from the C heap.
    unsafe {
        *root = delete(*root, key, compare, &mut deletion);
        if deletion.removed.is_null() {
            return ptr::null_mut();
        }
        heap::free(deletion.removed.cast());
    }
    if deletion.parent.is_null() {
        ptr::dangling_mut()
    } else {
        deletion.parent
    }
}

type Visit = extern "C" fn(*const Node, c_int, c_int);

unsafe fn walk(node: *const Node, action: Visit, depth: c_int) {
    const PREORDER: c_int = 0;
    const POSTORDER: c_int = 1;
    const ENDORDER: c_int = 2;
    const LEAF: c_int = 3;
    // SAFETY: the caller passes a node of a tree.
    unsafe {
        if (*node).left.is_null() && (*node).right.is_null() {
            action(node, LEAF, depth);
            return;
        }
        action(node, PREORDER, depth);
        if !(*node).left.is_null() {
            walk((*node).left, action, depth + 1);
        }
        action(node, POSTORDER, depth);
        if !(*node).right.is_null() {
            walk((*node).right, action, depth + 1);
        }
        action(node, ENDORDER, depth);
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn twalk(root: *const Node, action: Visit) {
    if !root.is_null() {
        // SAFETY: the caller passes the root of a tree.
        unsafe { walk(root, action, 0) };
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn tdestroy(root: *mut Node, free_key: extern "C" fn(*const c_void)) {
    if root.is_null() {
        return;
    }
    // SAFETY: the caller passes the root of a tree, whose nodes came from the C heap.
    unsafe {
        tdestroy((*root).left, free_key);
        tdestroy((*root).right, free_key);
        free_key((*root).key);
        heap::free(root.cast());
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn lfind(
    key: *const c_void,
    base: *const c_void,
    count: *const usize,
    size: usize,
    compare: Compare,
) -> *mut c_void {
    // SAFETY: the caller passes an array of `count` elements.
    unsafe {
        (0..*count)
            .map(|index| base.byte_add(index * size))
            .find(|element| compare(key, *element) == 0)
            .unwrap_or(ptr::null())
            .cast_mut()
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn lsearch(
    key: *const c_void,
    base: *mut c_void,
    count: *mut usize,
    size: usize,
    compare: Compare,
) -> *mut c_void {
    // SAFETY: the caller passes an array of `count` elements with room for one more.
    unsafe {
        let found = lfind(key, base, count, size, compare);
        if !found.is_null() {
            return found;
        }
        let new = base.byte_add(*count * size);
        ptr::copy_nonoverlapping(key.cast::<u8>(), new.cast::<u8>(), size);
        *count += 1;
        new
    }
}

/// The start of an element of a list.
#[repr(C)]
struct Element {
    next: *mut Element,
    previous: *mut Element,
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn insque(element: *mut Element, predecessor: *mut Element) {
    // SAFETY: the caller passes an element, and null or an element of a list.
    unsafe {
        (*element).previous = predecessor;
        (*element).next = ptr::null_mut();
        if predecessor.is_null() {
            return;
        }
        (*element).next = (*predecessor).next;
        (*predecessor).next = element;
        if !(*element).next.is_null() {
            (*(*element).next).previous = element;
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn remque(element: *mut Element) {
    // SAFETY: the caller passes an element of a list.
    unsafe {
        let Element { next, previous } = *element;
        if !next.is_null() {
            (*next).previous = previous;
        }
        if !previous.is_null() {
            (*previous).next = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    extern "C" fn compare(left: *const c_void, right: *const c_void) -> c_int {
        (left as isize).cmp(&(right as isize)) as c_int
    }

    unsafe fn depth(node: *const Node) -> usize {
        if node.is_null() {
            return 0;
        }
        // SAFETY: it is a node.
        unsafe { 1 + depth((*node).left).max(depth((*node).right)) }
    }

    #[test]
    fn trees_hold_what_was_put_in_and_stay_shallow() {
        crate::platform::test_platform::install();
        let mut root = ptr::null_mut();
        let key = |index: usize| (index * 7 % 1009 + 1) as *const c_void;
        // SAFETY: all keys are numbers, which are compared as such.
        unsafe {
            for index in 0..1009 {
                let node = tsearch(key(index), &raw mut root, compare);
                assert_eq!((*node).key, key(index));
            }
            assert!(depth(root) <= 20);
            for index in (0..1009).step_by(2) {
                assert!(!tdelete(key(index), &raw mut root, compare).is_null());
            }
            for index in 0..1009 {
                let found = tfind(key(index), &raw const root, compare);
                assert_eq!(found.is_null(), index % 2 == 0);
            }
            assert!(tdelete(key(0), &raw mut root, compare).is_null());
            assert!(depth(root) <= 18);
        }
    }

    #[test]
    fn tables_keep_the_first_entry_of_a_key() {
        hcreate(1);
        let entry = |data: usize| Entry {
            key: c"key".as_ptr().cast_mut(),
            data: data as *mut c_void,
        };
        // SAFETY: the keys are C strings.
        unsafe {
            assert!(hsearch(entry(1), 0).is_null());
            assert_eq!((*hsearch(entry(1), ENTER)).data as usize, 1);
            assert_eq!((*hsearch(entry(2), ENTER)).data as usize, 1);
        }
        hdestroy();
    }
}
