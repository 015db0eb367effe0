//! The rows of a BrainDrive database that become accounts, plugins and modules.

use std::collections::{HashMap, HashSet};

use crate::{
    domain::{
        UserId,
        legacy::{Interner, Row},
    },
    error::{Error, Result},
    storage::foreign::ForeignDatabase,
};

#[derive(Default)]
pub struct Tables {
    pub users: Vec<Row>,
    /// Users with a row whose role is `admin`.
    pub admins: HashSet<UserId>,
    pub plugins: Vec<Row>,
    /// By the plugin's id.
    pub modules: HashMap<String, Vec<Row>>,
}

impl Tables {
    pub fn read(database: &mut ForeignDatabase) -> Result<Self> {
        let mut interner = Interner::default();
        let mut tables = Self::default();
        let mut take = |table, rows: &mut Vec<Row>| {
            database.rows(table, &["id"], &mut interner, &mut |row| {
                rows.push(row);
                Ok(())
            })
        };
        let has_users = take("users", &mut tables.users)?;
        let has_plugins = take("plugin", &mut tables.plugins)?;
        if !has_users || !has_plugins {
            let missing = if has_users { "plugin" } else { "users" };
            return Err(Error::Setup(format!("the database to import from has no table {missing}: it is none of BrainDrive")));
        }
        let (mut modules, mut roles, mut tenants) = (Vec::new(), Vec::new(), Vec::new());
        take("module", &mut modules)?;
        take("user_roles", &mut roles)?;
        take("tenant_users", &mut tenants)?;
        for module in modules {
            let plugin = module.text("plugin_id").unwrap_or_default().to_owned();
            tables.modules.entry(plugin).or_default().push(module);
        }
        tables.admins = roles.iter().chain(&tenants).filter(|row| is_admin(row)).filter_map(|row| user_of(row, &tenants)).collect();
        Ok(tables)
    }
}

fn is_admin(row: &Row) -> bool {
    ["role", "role_name"].iter().any(|column| row.text(column).is_some_and(|role| role.trim().eq_ignore_ascii_case("admin")))
}

/// Some role rows name the user, some the user's row in `tenant_users`.
fn user_of(row: &Row, tenants: &[Row]) -> Option<UserId> {
    let of_tenant = || {
        let id = row.text("tenant_user_id")?;
        tenants.iter().find(|tenant| tenant.text("id") == Some(id))?.text("user_id")
    };
    row.text("user_id").or_else(of_tenant)?.trim().parse().ok()
}
